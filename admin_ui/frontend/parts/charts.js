// Charts: <div data-chart="id of a JSON script"> with {"x": [...], "series": [{label, colour, values}]}.
// A series whose bars stand behind others' has what its legend says for each moment in `said`.
// The same numbers stand in a table beside it for whoever sees no picture.
import uPlot from "uplot";
import { tell } from "./moment.js";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Colours are those of the light or dark in which a chart is drawn.
new MutationObserver(() => {
  for (const place of document.querySelectorAll("[data-chart]")) place.replaceChildren();
  charts(document);
}).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });

export function charts(part) {
  for (const place of part.querySelectorAll("[data-chart]")) {
    if (!place.childElementCount) draw(place);
  }
}

const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hour12: false });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });

function clock(_, marks, __, ___, step) {
  return marks.map((mark) => (step < 86400 ? time : day).format(mark * 1000));
}

function draw(place) {
  const data = JSON.parse(document.getElementById(place.dataset.chart).textContent);
  const axis = { stroke: colour("--tblr-secondary-color"), grid: { stroke: colour("--tblr-border-color"), width: 1 } };
  const timeline = place.closest("[data-axis]");
  if (timeline) data.x = data.x.map((at) => at - timeline.dataset.from);
  const options = {
    width: place.clientWidth,
    height: place.clientHeight - 32,
    cursor: { points: { size: 6 } },
    scales: { y: { range: (_, low, high) => [data.least ?? 0, data.most ?? Math.max(high, 4) * 1.1] } },
    axes: [{ ...axis, values: clock, space: 64, size: 30 }, { ...axis, size: 44 }],
    series: [{ value: (_, at) => (at == null ? "" : `${day.format(at * 1000)} ${time.format(at * 1000)}`) }, ...data.series.map((one) => series(one))],
  };
  if (data.series.some((one) => one.bars)) options.scales.x = { range: widened(data.x[1] - data.x[0]) };
  if (timeline) onAxis(timeline, options);
  const chart = new uPlot(options, [data.x, ...data.series.map((one) => one.values)], place);
  if (timeline) follow(timeline, chart);
  new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: options.height })).observe(place);
}

// Half a bar more at both ends, so that the first and the last are whole.
function widened(step) {
  return (_, first, last) => [first - step / 2, last + step / 2];
}

// On a call's axis of time: seconds since its begin, and the moment that is pointed at.
function elapsed(seconds) {
  return seconds == null ? "" : `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
}

function onAxis(axis, options) {
  const until = axis.dataset.until - axis.dataset.from;
  options.scales.x = { time: false, range: () => [0, until] };
  options.axes[0].values = (_, marks) => marks.map(elapsed);
  options.series[0].value = (_, at) => elapsed(at);
  options.padding = [8, 12, 0, 0];
  options.hooks = { setCursor: [(chart) => {
    if (chart.over.matches(":hover")) tell(axis, chart.posToVal(chart.cursor.left, "x"), chart);
  }] };
}

function follow(axis, chart) {
  axis.addEventListener("moment", function heard({ detail }) {
    if (!chart.root.isConnected) axis.removeEventListener("moment", heard);
    else if (detail.from !== chart) chart.setCursor({ left: chart.valToPos(detail.seconds, "x"), top: 0 });
  });
}

function series({ label, colour: name, bars, gaps, said }) {
  const stroke = colour(name);
  const shape = bars ? { paths: uPlot.paths.bars({ size: [0.7, 40] }), points: { show: false } } : {};
  const value = (_, drawn, __, at) => (at == null || drawn == null ? "" : said ? said[at] : drawn);
  return { label, value, stroke, width: bars ? 0 : 2, fill: bars ? stroke : undefined, spanGaps: gaps === false, ...shape };
}
