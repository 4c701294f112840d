// What changes on the platform, as it happens: parts of the page that name the kind fetch themselves
// anew (hx-trigger="live:call from:body"), at most once a second however much goes on.
const LEAST_MS = 1000;
const LONGEST_WAIT_MS = 30_000;

export function live() {
  const light = document.querySelector("[data-live]");
  if (!light) return;
  const told = new Map();
  let wait = 1000;

  function tell(kind) {
    const state = told.get(kind) ?? { last: 0, timer: 0 };
    told.set(kind, state);
    if (state.timer) return;
    const due = Math.max(0, state.last + LEAST_MS - Date.now());
    state.timer = setTimeout(() => {
      Object.assign(state, { last: Date.now(), timer: 0 });
      document.body.dispatchEvent(new CustomEvent(`live:${kind}`));
    }, due);
  }

  function show(state) {
    light.classList.remove("on", "waiting");
    light.classList.add(state);
    light.title = light.dataset[state];
    light.querySelector(".visually-hidden").textContent = light.dataset[state];
  }

  function connect() {
    const { live: tenant } = light.dataset;
    const only = tenant && `?tenant=${encodeURIComponent(tenant)}`;
    const socket = new WebSocket(`wss://${location.host}/live${only}`);
    socket.onopen = () => {
      if (wait > 1000) tell("reload"); // something may have been missed meanwhile
      wait = 1000;
      show("on");
    };
    socket.onmessage = (event) => tell(JSON.parse(event.data).kind);
    socket.onclose = () => {
      show("waiting");
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
      setTimeout(connect, wait * (0.5 + Math.random() / 2));
    };
  }

  connect();
}
