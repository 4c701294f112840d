"""Who changed what: written with every change, never rewritten."""
