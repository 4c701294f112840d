// The exact time on hover, in the zone of whoever looks.
const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

export function times(part) {
  for (const time of part.querySelectorAll("time[datetime]")) {
    time.title = format.format(new Date(time.dateTime));
  }
}
