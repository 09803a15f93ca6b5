// Alarms, orders and devices beside the picture, and the acts that people can do from there.

import { sentence, word } from "/page/words.js";

const ORDERS_MAX = 60;
const WAYS_MAX = 2;

function make(kind, properties = {}, ...children) {
  const element = Object.assign(document.createElement(kind), properties);
  element.append(...children);
  return element;
}

function table(heads, rows) {
  const head = make("tr", {}, ...heads.map((h) => make("th", { textContent: word(h) })));
  return make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
}

export async function act(method, path, body) {
  const headers = { "X-WCS-Page": "1", "Content-Type": "application/json" };
  const answer = await fetch(`/api/v1${path}`, { method, headers, body: JSON.stringify(body) });
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({ detail: answer.statusText }));
    notice(`${problem.field ? problem.field + ": " : ""}${problem.detail}`);
  }
}

export function notice(text) {
  const element = document.getElementById("notice");
  element.textContent = text;
  element.hidden = !text;
  if (text) setTimeout(() => { element.hidden = true; }, 8000);
}

export function paintAlarms(root, store) {
  const alarms = [...store.table("alarm").values()].sort((a, b) => b.number - a.number);
  if (!alarms.length) return root.replaceChildren(make("p", { className: "empty", textContent: word("none") }));
  return root.replaceChildren(...alarms.map((alarm) => {
    const buttons = alarm.answers.map((answer) => {
      const button = make("button", { type: "button", textContent: word(answer) });
      button.addEventListener("click", () => {
        button.disabled = true;
        act("POST", `/alarms/${alarm.number}/answer`, { answer }).finally(() => { button.disabled = false; });
      });
      return button;
    });
    return make("article", { className: "alarm" }, make("strong", { textContent: `${alarm.subject} · ${word(alarm.code)}` }),
      make("br"), make("span", { className: "dim", textContent: sentence(alarm.text) }), make("div", {}, ...buttons));
  }));
}

// What an order waits for: its own reason, else that of a load unit that is brought for it, else what is under way.
function waitsFor(order, transports) {
  if (order.waits_for) return sentence(order.waits_for);
  const waiting = transports.find((t) => t.waits_for);
  if (waiting) return sentence(waiting.waits_for);
  if (!transports.length) return "";
  const ways = transports.filter((t) => t.source !== t.sink);
  if (!ways.length) return `${word("stands")} ${transports[0].sink}`;
  const more = ways.length > WAYS_MAX ? ` +${ways.length - WAYS_MAX}` : "";
  return `${word("brings")} ${ways.slice(0, WAYS_MAX).map((t) => `${t.source} → ${t.sink}`).join(", ")}${more}`;
}

export function paintOrders(root, store) {
  const transports = new Map();
  for (const t of store.table("transport_order").values())
    transports.set(t.order_number, [...(transports.get(t.order_number) ?? []), t]);
  const ended = (o) => ["shipped", "backordered", "cancelled"].includes(o.state);
  const orders = [...store.table("customer_order").values()].sort((a, b) =>
    ended(a) - ended(b) || (ended(a) ? b.ended_ms - a.ended_ms : a.placed_ms - b.placed_ms));
  const rows = orders.slice(0, ORDERS_MAX).map((o) => make("tr", {},
    make("td", { textContent: o.number }),
    make("td", { className: `stage ${o.state}`, textContent: word(o.state) + (o.station && !ended(o) ? ` ${o.station}` : "") }),
    make("td", { className: "number", textContent: `${o.picked}/${o.quantity}` }),
    make("td", { className: "dim", textContent: ended(o) ? "" : waitsFor(o, transports.get(o.number) ?? []) })));
  root.replaceChildren(table(["order", "stage", "progress", "waits"], rows));
}

export function paintDevices(root, store) {
  const aboard = new Set([...store.table("load_unit").values()].map((unit) => unit.place));
  const rows = [...store.table("device").values()].map((d) => {
    const resting = aboard.has(d.name) ? "loaded" : d.kind === "conveyor" ? "running" : "idle";
    const task = store.table("open_task").get(d.task);
    const connected = d.link === "synchronised";
    const state = !connected ? word(d.link) : !d.in_service ? word("out_of_service") : (d.stopped && word(d.stopped))
      || (task ? `${task.source} → ${task.sink}`.trim() : word(d.able ? resting : "blocked"));
    const good = connected && d.in_service && !d.stopped;
    const button = make("button", { type: "button", textContent: word(d.in_service ? "from_service" : "to_service") });
    button.addEventListener("click", () => act("PUT", `/devices/${d.name}/service`, { in_service: !d.in_service }));
    const battery = d.kind === "vehicle" ? ` ${Math.round(d.battery_permille / 10)}%` : "";
    return make("tr", {}, make("td", { textContent: d.name + battery, className: "number" }),
      make("td", { textContent: word(d.mode) }),
      make("td", { textContent: state, className: good ? (task ? "" : "good") : "bad" }),
      make("td", {}, button));
  });
  root.replaceChildren(table(["device", "mode", "state", ""], rows));
}
