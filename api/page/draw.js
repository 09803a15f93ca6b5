// The plant as a picture: drawn once from the layout, then only what changed is touched.

import { sentence, word } from "/page/words.js";

const SVG = "http://www.w3.org/2000/svg";

function add(parent, kind, attributes, text) {
  const element = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

// What a pointer that rests on a mark is told.
function tell(mark, text) {
  const title = mark.querySelector("title") ?? (text ? add(mark, "title", {}) : null);
  if (title) title.textContent = text;
}

const FLOWS = { in: "is blocked for put-away by", out: "is blocked for retrieval by", both: "is blocked by" };

function paintBlock(mark, block) {
  mark.classList.toggle("blocked", block !== undefined);
  tell(mark, block ? sentence(`${block.place} ${FLOWS[block.flow]} ${block.actor}: ${block.reason}`) : "");
}

export function drawPlant(svg, plant, layout) {
  svg.replaceChildren();
  const marks = { places: new Map(), points: new Map(), cranes: new Map(), vehicles: new Map(), lanes: [], nodes: new Map(),
    totes: new Map(), aisles: new Map() };
  marks.words = [
    [add(svg, "text", { x: 8, y: 16, class: "zone" }), "aisles"],
    [add(svg, "text", { x: 8, y: LOOP_LABEL_Y, class: "zone" }), "loop"],
    [add(svg, "text", { x: 8, y: 524, class: "zone" }), "track"],
  ];
  for (const aisle of layout.aisles) drawAisle(svg, aisle, marks);
  for (const belt of [...layout.belts].sort((a, b) => a.inRing - b.inRing))
    add(svg, "polyline", { points: belt.points.map((p) => p.join(",")).join(" "), class: belt.inRing ? "belt" : "belt spur" });
  drawTrack(svg, plant, layout, marks);
  const order = new Set(plant.stations.flatMap((s) => s.order_places));
  for (const [name, [x, y]] of layout.places) {
    marks.places.set(name, add(svg, "rect", { x: x - 7, y: y - 7, width: 14, height: 14, rx: 2, class: "place" }));
    const above = y < 300;
    const label = order.has(name) ? name.split(".").pop() : name;
    add(svg, "text", above ? { x: x + 10, y: y + 3, class: "aside" } : { x, y: y + 17 }, label);
  }
  for (const point of layout.conveyor?.points ?? []) {
    const [x, y] = layout.at.get(point.name) ?? [];
    if (x === undefined) continue;
    marks.points.set(point.name, add(svg, "circle", { cx: x, cy: y, r: 6, class: "point" }));
    const station = point.kind === "station";
    add(svg, "text", station ? { x: x - 32, y: y + 3 } : { x, y: y < 330 ? y + 17 : y - 10 }, point.name);
  }
  marks.onBelt = add(svg, "text", { x: 430, y: 336, class: "name" });
  marks.totesLayer = add(svg, "g", {});
  for (const vehicle of plant.vehicles) marks.vehicles.set(vehicle.name, drawMachine(svg, vehicle.name, 30, 16));
  return marks;
}

const LOOP_LABEL_Y = 262;

function drawAisle(svg, aisle, marks) {
  const top = aisle.top, height = aisle.rackBottom - top;
  marks.aisles.set(aisle.name, add(svg, "rect", { x: aisle.x - 14, y: top, width: 28, height: aisle.bottom - top,
    class: "alley" }));
  for (const side of aisle.sides)
    add(svg, "rect", { x: side === 1 ? aisle.x - 46 : aisle.x + 16, y: top, width: 30, height, class: "rack" });
  add(svg, "text", { x: aisle.x, y: top - 8, class: "name" }, aisle.name);
  add(svg, "line", { x1: aisle.x + 54, x2: aisle.x + 54, y1: top, y2: aisle.bottom, class: "mast" });
  const lift = add(svg, "rect", { x: aisle.x + 49, y: aisle.bottom - 4, width: 10, height: 6, class: "machine unplaced" });
  marks.cranes.set(aisle.crane, { ...drawMachine(svg, aisle.crane, 26, 22), lift, aisle });
}

function drawMachine(svg, name, width, height) {
  const group = add(svg, "g", { class: "unplaced" });
  const body = add(group, "rect", { x: -width / 2, y: -height / 2, width, height, rx: 3, class: "machine" });
  add(group, "text", { x: 0, y: 3, class: "inside" }, name);
  const aboard = add(group, "rect", { x: width / 2 - 6, y: -height / 2 - 4, width: 9, height: 9, class: "aboard" });
  return { group, body, aboard };
}

function drawTrack(svg, plant, layout, marks) {
  for (const edge of plant.track.edges) {
    const [x1, y1] = layout.nodes.at.get(edge.origin), [x2, y2] = layout.nodes.at.get(edge.end);
    marks.lanes.push({ ...edge, line: add(svg, "line", { x1, y1, x2, y2, class: "lane" }) });
  }
  for (const node of plant.track.nodes) {
    const [x, y] = layout.nodes.at.get(node.name);
    marks.nodes.set(node.name, add(svg, "circle", { cx: x, cy: y, r: node.parking ? 7 : 3,
      class: node.parking ? "node parking" : "node" }));
    if (node.charging) add(svg, "text", { x, y: y + 3 }, "⚡");
    const elsewhere = node.stops.filter((s) => layout.at.has(s.transfer_point)).map((s) => s.transfer_point);
    if (elsewhere.length) add(svg, "text", { x, y: y - 12 }, elsewhere.join(" "));
  }
}

export function paint(marks, layout, store) {
  for (const [element, key] of marks.words) element.textContent = word(key);
  const unitsAt = new Map();
  for (const unit of store.table("load_unit").values()) unitsAt.set(unit.place, unit);
  const block = (name) => store.table("block").get(name);
  for (const [name, mark] of marks.places) {
    const seen = store.table("transfer_point_state").get(name);
    mark.setAttribute("class", `place${unitsAt.has(name) || seen?.occupied ? " full" : ""}`);
  }
  for (const [name, mark] of marks.points)
    mark.setAttribute("class", `point${store.table("point_state").get(name)?.waiting ? " busy" : ""}`);
  for (const [name, mark] of [...marks.nodes, ...marks.aisles]) paintBlock(mark, block(name));
  for (const lane of marks.lanes) paintBlock(lane.line, block(`${lane.origin}>${lane.end}`));
  const belt = layout.conveyor?.name;
  const carried = [...store.table("load_unit").values()].filter((u) => u.place === belt).length;
  marks.onBelt.textContent = belt ? `${carried} ${word("on_belt")}` : "";
  paintCranes(marks, store, unitsAt);
  paintVehicles(marks, layout, store, unitsAt);
}

// A machine is shown from when its place is known: until then it would stand in the corner.
function placeMachine(mark, x, y) {
  mark.group.setAttribute("transform", `translate(${x} ${y})`);
  mark.group.classList.remove("unplaced");
}

// With a load on board and no task it waits for the next: that is work, too.
function stateOf(device, loaded) {
  if (!device || device.link !== "synchronised") return "machine away";
  if (device.stopped || device.alarms.some((word) => word)) return "machine ill";
  if (!device.in_service || !device.able) return "machine away";
  return device.task || loaded ? "machine work" : "machine";
}

function paintCranes(marks, store, unitsAt) {
  for (const [name, mark] of marks.cranes) {
    const state = stateOf(store.table("device").get(name), unitsAt.has(name));
    const now = store.telemetry.get(name);
    mark.body.setAttribute("class", state);
    mark.lift.setAttribute("class", state);
    mark.aboard.classList.toggle("on", unitsAt.has(name));
    const y = mark.aisle.along(now?.x_mm ?? 0);
    placeMachine(mark, mark.aisle.x, y);
    const part = Math.min(1, (now?.y_mm ?? 0) / mark.aisle.height);
    mark.lift.setAttribute("y", mark.aisle.bottom - 6 - part * (mark.aisle.bottom - mark.aisle.top - 6));
  }
}

function paintVehicles(marks, layout, store, unitsAt) {
  const held = new Set();
  for (const [name, mark] of marks.vehicles) {
    const row = store.table("vehicle_traffic").get(name);
    const way = [row?.node, ...(row?.ahead ?? [])];
    way.slice(1).forEach((node, n) => held.add(`${way[n]} ${node}`));
    mark.body.setAttribute("class", stateOf(store.table("device").get(name), unitsAt.has(name)));
    mark.aboard.classList.toggle("on", unitsAt.has(name));
    const now = store.telemetry.get(name);
    const known = now && (now.x_mm || now.y_mm);
    const place = known ? [layout.nodes.x(now.x_mm), layout.nodes.y(now.y_mm)] : layout.nodes.at.get(row?.node);
    if (place) placeMachine(mark, place[0], place[1]);
  }
  for (const lane of marks.lanes) lane.line.classList.toggle("held", held.has(`${lane.origin} ${lane.end}`));
}
