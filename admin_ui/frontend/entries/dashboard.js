// What every page of the dashboard loads.
import "htmx.org";
