// The exact time on hover, in the zone of whoever looks; and durations that go on, second by second.
const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

export function times(part) {
  for (const time of part.querySelectorAll("time[datetime]")) {
    time.title = format.format(new Date(time.dateTime));
  }
}

// From what the server has counted on: the clock of whoever looks may be wrong.
export function durations(document) {
  const begun = new WeakMap();
  setInterval(() => {
    const now = performance.now() / 1000;
    for (const one of document.querySelectorAll("[data-seconds]")) {
      if (!begun.has(one)) begun.set(one, now - one.dataset.seconds);
      one.textContent = lasting(now - begun.get(one));
    }
  }, 1000);
}

// As the server writes it: 0:07, 3:41, 1:02:09.
function lasting(seconds) {
  const total = Math.floor(seconds);
  const [hours, minutes, rest] = [total / 3600, (total % 3600) / 60, total % 60].map(Math.floor);
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
