// The page: asks for the plant once, listens to the stream, and paints what changed at most ten times a second.

import { drawPlant, paint } from "/page/draw.js";
import { layOut } from "/page/layout.js";
import { notice, paintAlarms, paintDevices, paintOrders } from "/page/lists.js";
import { Totes } from "/page/totes.js";
import { isChinese, toggleLanguage, word } from "/page/words.js";

const KEYS = { device: ["name"], transfer_point_state: ["name"], point_state: ["name"], track: ["conveyor", "track"],
  vehicle_traffic: ["vehicle"], load_unit: ["load_unit"], customer_order: ["number"], transport_order: ["number"],
  open_task: ["number"], block: ["place"], alarm: ["number"] };
const CLOSED_FOR_GOOD = { 4401: "signed_out", 4429: "full" };
const RECONNECT_MS = 2000;
const byId = (id) => document.getElementById(id);

class Store {
  constructor() {
    this.tables = new Map(Object.keys(KEYS).map((name) => [name, new Map()]));
    this.telemetry = new Map();
    this.condition = { state: "connecting", reason: "" };
    this.nowMs = 0;
    this.heardAt = 0;
    this.speed = 1;
  }

  table(name) {
    return this.tables.get(name);
  }

  keyOf(name, key) {
    return key.length === 1 ? key[0] : key.join(" ");
  }

  hear(message, onRow) {
    if (message.type === "snapshot") {
      for (const table of this.tables.values()) table.clear();
      this.telemetry.clear();
    }
    const heard = performance.now();
    if (this.heardAt && heard - this.heardAt > 50 && message.now_ms > this.nowMs) {
      const speed = (message.now_ms - this.nowMs) / (heard - this.heardAt);
      this.speed += (Math.min(40, speed) - this.speed) * 0.1;
    }
    this.nowMs = message.now_ms;
    this.heardAt = heard;
    for (const [name, rows] of Object.entries(message.rows ?? {}))
      for (const row of rows) this.put(name, this.keyOf(name, KEYS[name].map((k) => row[k])), row, onRow);
    for (const [name, keys] of Object.entries(message.gone ?? {}))
      for (const key of keys) this.put(name, this.keyOf(name, key), null, onRow);
    for (const [device, now] of Object.entries(message.telemetry ?? {})) this.telemetry.set(device, now);
    if (message.condition) this.condition = message.condition;
  }

  put(name, key, row, onRow) {
    const before = this.table(name).get(key);
    if (row) this.table(name).set(key, row);
    else this.table(name).delete(key);
    onRow(name, key, row, before);
  }

  plantTime() {
    return this.nowMs + (performance.now() - this.heardAt) * this.speed;
  }
}

const store = new Store();
let plant, layout, marks, totes;
let dirty = false;

function onRow(name, key, row, before) {
  if (name === "load_unit") totes.place(key, row, before);
  if (name === "point_state" && row && row.scan_sequence !== undefined) totes.seen(key, row);
}

function paintHeader() {
  const state = store.condition.state;
  byId("plant-name").textContent = `WCS · ${plant?.name ?? ""}`;
  byId("condition").textContent = word(state) + (store.condition.reason ? `: ${store.condition.reason}` : "");
  byId("condition").className = `badge ${{ ready: "ready", connecting: "" }[state] ?? "bad"}`;
  byId("condition").hidden = false;
  const time = new Date(store.nowMs).toLocaleString(isChinese() ? "zh-CN" : "en-GB");
  byId("clock").textContent = store.nowMs ? time : "";
  const orders = [...store.table("customer_order").values()];
  const open = orders.filter((o) => ["placed", "released", "packed"].includes(o.state)).length;
  byId("counts").textContent = !store.nowMs ? "" :
    `${word("orders")}: ${open} ${word("open")} · ${word("under_way")}: ${store.table("transport_order").size}`;
  byId("language").textContent = word("language");
  document.documentElement.lang = isChinese() ? "zh" : "en";
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = word(element.dataset.word);
}

function paintAll() {
  dirty = false;
  paintHeader();
  if (!marks) return;
  paint(marks, layout, store);
  paintAlarms(byId("alarms"), store);
  paintOrders(byId("orders"), store);
  paintDevices(byId("devices"), store);
}

function frame() {
  if (dirty) paintAll();
  totes?.move();
  requestAnimationFrame(frame);
}

function listen() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/api/v1/stream`);
  socket.addEventListener("message", (event) => {
    const message = JSON.parse(event.data);
    if (message.type === "snapshot") totes.clear();
    store.hear(message, onRow);
    dirty = true;
  });
  socket.addEventListener("close", (event) => {
    store.condition = { state: "offline", reason: "" };
    dirty = true;
    const told = CLOSED_FOR_GOOD[event.code];
    if (told) notice(word(told));
    else setTimeout(listen, RECONNECT_MS);
  });
}

async function start() {
  byId("language").addEventListener("click", () => {
    toggleLanguage();
    paintAll();
  });
  paintHeader();
  const answer = await fetch("/api/v1/plant");
  if (!answer.ok) return notice(word("signed_out"));
  plant = await answer.json();
  layout = layOut(plant);
  marks = drawPlant(byId("plant"), plant, layout);
  totes = new Totes(marks.totesLayer, layout, () => store.plantTime());
  listen();
  return frame();
}

start();
