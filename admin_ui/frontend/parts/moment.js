// One axis of time for all views of a call: what is pointed at in one of them is shown in all.
// <div data-axis data-from data-until> (seconds of the epoch) holds them; [data-at] are seconds since
// its begin, in [data-lane] a view's own. Charts say and hear it by the event "moment".
export function moments(document) {
  for (const event of ["pointermove", "focusin"]) document.addEventListener(event, pointed);
}

export function tell(axis, seconds, from) {
  axis.dispatchEvent(new CustomEvent("moment", { detail: { seconds, from } }));
  for (const line of axis.querySelectorAll(".moment")) {
    const share = `${(100 * seconds) / (axis.dataset.until - axis.dataset.from)}%`;
    line.classList.add("shown");
    line.setAttribute("x1", share);
    line.setAttribute("x2", share);
  }
  for (const lane of axis.querySelectorAll("[data-lane]")) {
    const past = [...lane.querySelectorAll("[data-at]")].filter((one) => Number(one.dataset.at) <= seconds + 0.0005);
    const now = past.at(-1);
    for (const one of lane.querySelectorAll("[data-at]")) one.classList.toggle("at-moment", one === now);
  }
}

function pointed(event) {
  const axis = event.target.closest?.("[data-axis]");
  if (!axis) return;
  const one = event.target.closest("[data-at]");
  const strip = event.target.closest(".strip svg");
  if (one) tell(axis, Number(one.dataset.at), null);
  else if (strip && event.type === "pointermove") tell(axis, secondsAt(axis, strip, event.clientX), null);
}

function secondsAt(axis, strip, x) {
  const { left, width } = strip.getBoundingClientRect();
  const share = Math.min(1, Math.max(0, (x - left) / width));
  return share * (axis.dataset.until - axis.dataset.from);
}
