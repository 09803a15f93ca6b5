// Where each thing of a plant stands on the screen. Conveyors have no coordinates in the plant file: the loop is laid
// out as a rectangle, aisles above it, what people do below it; the vehicle track keeps its own coordinates, stretched.

const WIDTH = 860;
const AISLE_TOP = 26, AISLE_BOTTOM = 222, LOOP_TOP = 292, LOOP_BOTTOM = 372;
const LOOP_LEFT = 40, LOOP_RIGHT = 820, SPUR = 40, TRACK_TOP = 556, TRACK_BOTTOM = 676;

export function layOut(plant) {
  const at = new Map();
  const belts = [];
  const conveyor = [...plant.conveyors].sort((a, b) => b.segments.length - a.segments.length)[0];
  const ring = conveyor ? findRing(conveyor) : [];
  const aislePoints = new Set(plant.cranes.flatMap((c) => c.transfer_points.map((p) => p.transfer_point)));
  if (ring.length) {
    placeRing(ring, conveyor, aislePoints, at);
    for (const segment of conveyor.segments) placeSpur(segment, at, aislePoints);
    for (const segment of [...conveyor.segments].reverse()) placeSpur(segment, at, aislePoints);
    for (const segment of conveyor.segments) belts.push(beltOf(segment, at, ring));
  }
  const places = new Map();
  for (const c of plant.conveyors)
    for (const t of c.transfer_points) if (at.has(t.name)) places.set(t.name, at.get(t.name));
  for (const s of plant.stations) {
    const base = at.get(s.pick_point) ?? [WIDTH / 2, 440];
    s.order_places.forEach((name, n) => places.set(name, [base[0] + (n - (s.order_places.length - 1) / 2) * 19, 502]));
  }
  const nodes = placeTrack(plant, places);
  return { at, belts: belts.filter(Boolean), places, nodes, aisles: placeAisles(plant, at), conveyor, ring };
}

function findRing(conveyor) {
  const stations = new Set(conveyor.points.filter((p) => p.kind === "station").map((p) => p.name));
  const ends = new Set(conveyor.transfer_points.map((t) => t.name));
  const next = new Map();
  for (const s of conveyor.segments)
    if (![s.origin, s.end].some((n) => stations.has(n) || ends.has(n)))
      next.set(s.origin, [...(next.get(s.origin) ?? []), s.end]);
  let best = [];
  const walk = (path, seen) => {
    for (const end of next.get(path[path.length - 1]) ?? []) {
      if (end === path[0] && path.length > best.length) best = [...path];
      if (!seen.has(end)) walk([...path, end], new Set([...seen, end]));
    }
  };
  for (const start of next.keys()) if (!best.includes(start)) walk([start], new Set([start]));
  return best;
}

function placeRing(ring, conveyor, aislePoints, at) {
  const served = new Set();
  for (const s of conveyor.segments) {
    if (aislePoints.has(s.end)) served.add(s.origin);
    if (aislePoints.has(s.origin)) served.add(s.end);
  }
  const first = ring.findIndex((n, i) => served.has(n) && !served.has(ring[(i + ring.length - 1) % ring.length]));
  const turned = first > 0 ? [...ring.slice(first), ...ring.slice(0, first)] : ring;
  let last = turned.length - 1;
  while (last > 0 && !served.has(turned[last])) last -= 1;
  const top = turned.slice(0, last + 1);
  const bottom = turned.slice(last + 1);
  const spread = (n, count) => LOOP_LEFT + ((n + 0.5) * (LOOP_RIGHT - LOOP_LEFT)) / count;
  top.forEach((name, n) => at.set(name, [spread(n, top.length), LOOP_TOP]));
  bottom.forEach((name, n) => at.set(name, [spread(bottom.length - 1 - n, bottom.length), LOOP_BOTTOM]));
}

function placeSpur(segment, at, aislePoints) {
  const [known, other] = at.has(segment.origin) ? [segment.origin, segment.end] : [segment.end, segment.origin];
  if (!at.has(known) || at.has(other)) return;
  const [x, y] = at.get(known);
  const up = aislePoints.has(other);
  const taken = [...at.values()];
  const sink = up ? y - SPUR : Math.max(y, LOOP_BOTTOM) + SPUR + (y > LOOP_BOTTOM ? 4 : 0);
  for (const dx of [0, 34, -34, 68]) {
    if (taken.some((p) => Math.abs(p[0] - x - dx) < 24 && Math.abs(p[1] - sink) < 14)) continue;
    at.set(other, [x + dx, sink]);
    return;
  }
}

function beltOf(segment, at, ring) {
  const from = at.get(segment.origin), to = at.get(segment.end);
  if (!from || !to) return null;
  const inRing = ring.includes(segment.origin) && ring.includes(segment.end);
  const points = [from];
  if (inRing && from[1] !== to[1]) {
    const x = from[1] < to[1] ? LOOP_RIGHT + 18 : LOOP_LEFT - 18;
    points.push([x, from[1]], [x, to[1]]);
  } else if (!inRing && from[0] !== to[0] && from[1] !== to[1]) {
    const outer = from[1] > to[1] ? from : to;
    points.push([outer[0], (from[1] + to[1]) / 2], [from === outer ? to[0] : from[0], (from[1] + to[1]) / 2]);
    if (from !== outer) points.splice(1, 2, points[2], points[1]);
  }
  points.push(to);
  return { name: segment.name, origin: segment.origin, end: segment.end, points, inRing,
    duration: (segment.length_mm / segment.speed_mm_s) * 1000 };
}

function placeAisles(plant, at) {
  return plant.aisles.map((aisle, n) => {
    const crane = plant.cranes.find((c) => c.aisle === aisle.name);
    const xs = (crane?.transfer_points ?? []).map((p) => at.get(p.transfer_point)?.[0]).filter((x) => x !== undefined);
    const spread = LOOP_LEFT + ((n + 0.5) * (LOOP_RIGHT - LOOP_LEFT)) / plant.aisles.length;
    const x = xs.length ? xs.reduce((a, b) => a + b, 0) / xs.length : spread;
    const length = aisle.x0_mm + aisle.bays * aisle.bay_pitch_mm;
    const height = aisle.y0_mm + aisle.levels * aisle.level_pitch_mm;
    const scale = (AISLE_BOTTOM - AISLE_TOP) / length;
    return { name: aisle.name, crane: crane?.name, x, top: AISLE_TOP, bottom: AISLE_BOTTOM, height,
      sides: aisle.sides, along: (mm) => AISLE_BOTTOM - mm * scale, rackBottom: AISLE_BOTTOM - aisle.x0_mm * scale };
  });
}

function placeTrack(plant, places) {
  const nodes = new Map();
  if (!plant.track.nodes.length) return { at: nodes, x: (v) => v, y: (v) => v };
  const xs = plant.track.nodes.map((n) => n.x_mm), ys = plant.track.nodes.map((n) => n.y_mm);
  const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const x = (mm) => 60 + ((mm - x0) / Math.max(1, x1 - x0)) * (WIDTH - 120);
  const y = (mm) => TRACK_BOTTOM - ((mm - y0) / Math.max(1, y1 - y0)) * (TRACK_BOTTOM - TRACK_TOP);
  for (const node of plant.track.nodes) {
    nodes.set(node.name, [x(node.x_mm), y(node.y_mm)]);
    const own = node.stops.filter((s) => !places.has(s.transfer_point));
    const below = y(node.y_mm) > (TRACK_TOP + TRACK_BOTTOM) / 2;
    own.forEach((stop, n) => places.set(stop.transfer_point,
      [x(node.x_mm) + (n - (own.length - 1) / 2) * 46, y(node.y_mm) + (below ? 30 : -30)]));
  }
  return { at: nodes, x, y };
}
