// Load units on the belts. The site knows where each was last seen and which exit it took, not each millimetre between:
// in between they are shown at the belt's own speed, and wait at the next point for the next news.

const SVG = "http://www.w3.org/2000/svg";

export class Totes {
  constructor(layer, layout, clock) {
    this.layer = layer;
    this.layout = layout;
    this.clock = clock;
    this.shown = new Map();
    this.beltsFrom = new Map();
    for (const belt of layout.belts)
      this.beltsFrom.set(belt.origin, [...(this.beltsFrom.get(belt.origin) ?? []), belt]);
    this.exits = new Map((layout.conveyor?.points ?? []).map((p) => [p.name, p.exits]));
  }

  place(unit, row, before) {
    if (!row || row.place !== this.layout.conveyor?.name) {
      this.drop(unit);
    } else if (before && this.layout.at.has(before.place)) {
      this.travel(unit, this.onward(before.place, null));
    }
  }

  seen(point, row) {
    if (!row.load_unit || row.waiting) return;
    const exit = this.exits.get(point)?.[row.exit];
    if (exit) this.travel(row.load_unit, this.onward(point, exit));
  }

  onward(origin, exit) {
    const path = [];
    let belt = (this.beltsFrom.get(origin) ?? []).find((b) => exit === null || b.name === exit);
    while (belt && path.length < 20) {
      path.push(belt);
      belt = this.exits.has(belt.end) ? null : (this.beltsFrom.get(belt.end) ?? [])[0];
    }
    return path;
  }

  travel(unit, path) {
    if (!path.length) return;
    let tote = this.shown.get(unit);
    if (!tote) {
      tote = document.createElementNS(SVG, "rect");
      for (const [name, value] of [["width", 10], ["height", 10], ["x", -5], ["y", -5], ["rx", 2], ["class", "tote"]])
        tote.setAttribute(name, value);
      this.layer.append(tote);
    }
    tote.path = path;
    tote.begun = this.clock();
    this.shown.set(unit, tote);
  }

  drop(unit) {
    this.shown.get(unit)?.remove();
    this.shown.delete(unit);
  }

  clear() {
    for (const unit of [...this.shown.keys()]) this.drop(unit);
  }

  move() {
    for (const tote of this.shown.values()) {
      let left = this.clock() - tote.begun;
      let n = 0;
      while (n < tote.path.length - 1 && left > tote.path[n].duration) left -= tote.path[n++].duration;
      const [x, y] = along(tote.path[n].points, Math.min(1, Math.max(0, left / tote.path[n].duration)));
      tote.setAttribute("transform", `translate(${x} ${y})`);
    }
  }
}

function along(points, share) {
  const lengths = points.slice(1).map((p, n) => Math.hypot(p[0] - points[n][0], p[1] - points[n][1]));
  let left = share * lengths.reduce((a, b) => a + b, 0);
  for (let n = 0; n < lengths.length; n += 1) {
    if (left <= lengths[n] && lengths[n] > 0) {
      const part = left / lengths[n];
      return [0, 1].map((axis) => points[n][axis] + part * (points[n + 1][axis] - points[n][axis]));
    }
    left -= lengths[n];
  }
  return points[points.length - 1];
}
