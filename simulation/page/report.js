"use strict";
// Language: every text has its Chinese beside it; the choice is kept in the address, for a file has no storage.
const words = [...document.querySelectorAll("[data-zh]")].map((node) => [node, node.textContent, node.dataset.zh]);
const attributes = ["title", "aria-label"].flatMap((name) => [...document.querySelectorAll(`[data-zh-${name}]`)].map(
  (node) => [node, name, node.getAttribute(name), node.getAttribute(`data-zh-${name}`)]));
function speak(language) {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const [node, name, english, chinese] of attributes) node.setAttribute(name, language === "zh" ? chinese : english);
  for (const [node, english, chinese] of words) node.textContent = language === "zh" ? chinese : english;
}
const wanted = location.hash === "#zh" || (!location.hash && document.documentElement.lang.startsWith("zh"));
let language = wanted ? "zh" : "en";
speak(language);
document.getElementById("language").addEventListener("click", () => {
  language = language === "zh" ? "en" : "zh";
  history.replaceState(null, "", "#" + language);
  speak(language);
});

// Heat maps: visits or blocked time.
for (const button of document.querySelectorAll(".toggle")) {
  button.addEventListener("click", () => {
    const blocked = button.getAttribute("aria-pressed") !== "true";
    const [visits, time] = button.parentElement.querySelectorAll(":scope > div");
    button.setAttribute("aria-pressed", blocked); visits.hidden = blocked; time.hidden = !blocked;
  });
}

// Playback: vehicles drive straight from one confirmed node to the next, cranes from one move of a load to the next.
const data = JSON.parse(document.getElementById("playback").textContent);
const canvas = document.getElementById("plan");
if (canvas && data) {
  const pen = canvas.getContext("2d");
  const slider = document.getElementById("time");
  const clock = document.getElementById("clock");
  const button = document.getElementById("play");
  const speed = document.getElementById("speed");
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const scale = Math.min(canvas.width / data.width, canvas.height / data.height);
  const px = (x) => (canvas.width - data.width * scale) / 2 + (x - data.left) * scale;
  const py = (y) => (y - data.top) * scale;
  let now = data.from, last = 0, playing = false;
  slider.min = data.from; slider.max = data.to; slider.value = now;
  const before = (times, at) => {
    let low = 0, high = times.length;
    while (low < high) { const middle = (low + high) >> 1; if (times[middle] <= at) low = middle + 1; else high = middle; }
    return low - 1;
  };
  function draw() {
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.strokeStyle = colour("--line"); pen.lineWidth = 2; pen.beginPath();
    for (const [a, b] of data.edges) {
      pen.moveTo(px(data.nodes[a][0]), py(data.nodes[a][1])); pen.lineTo(px(data.nodes[b][0]), py(data.nodes[b][1]));
    }
    pen.stroke();
    pen.font = "12px sans-serif";
    for (const [name, times, nodes] of data.vehicles) {
      if (!times.length) continue;
      const n = Math.max(0, before(times, now));
      const [ax, ay] = data.nodes[nodes[n]];
      let x = ax, y = ay;
      if (n + 1 < times.length) {
        const [bx, by] = data.nodes[nodes[n + 1]];
        const drive = Math.min(times[n + 1] - times[n], 1000 * Math.hypot(bx - ax, by - ay) / data.speed);
        const share = drive > 0 ? Math.max(0, 1 - (times[n + 1] - now) / drive) : 0;
        x = ax + (bx - ax) * share; y = ay + (by - ay) * share;
      }
      pen.fillStyle = colour("--accent"); pen.beginPath(); pen.arc(px(x), py(y), 6, 0, 7); pen.fill();
      pen.fillStyle = colour("--ink"); pen.fillText(name, px(x) + 8, py(y) - 6);
    }
    data.cranes.forEach(([name, times, shares, aisle_ms], n) => {
      const y = canvas.height - 16 - 18 * (data.cranes.length - 1 - n), left = 70, wide = canvas.width - left - 20;
      pen.fillStyle = colour("--soft"); pen.fillText(name, 14, y + 4);
      pen.strokeStyle = colour("--line"); pen.beginPath(); pen.moveTo(left, y); pen.lineTo(left + wide, y); pen.stroke();
      const at = before(times, now);
      pen.fillStyle = colour("--charging");
      let share = at < 0 ? 0 : shares[at];
      if (at + 1 < times.length) {
        const way = shares[at + 1] - share;
        const drive = Math.min(times[at + 1] - (at < 0 ? data.from : times[at]), Math.abs(way) * aisle_ms);
        if (drive > 0) share += way * Math.max(0, 1 - (times[at + 1] - now) / drive);
      }
      pen.fillRect(left + wide * share - 5, y - 6, 10, 12);
    });
    const s = Math.round((now - data.from) / 1000);
    clock.textContent = [s / 3600, s / 60 % 60, s % 60].map((v) => String(Math.floor(v)).padStart(2, "0")).join(":");
  }
  function step(at) {
    if (!playing) return;
    now = Math.min(data.to, now + (at - last) * Number(speed.value)); last = at; slider.value = now; draw();
    if (now >= data.to) playing = false; else requestAnimationFrame(step);
    button.setAttribute("aria-pressed", playing);
  }
  button.addEventListener("click", () => {
    playing = !playing; button.setAttribute("aria-pressed", playing);
    if (playing) { if (now >= data.to) now = data.from; last = performance.now(); requestAnimationFrame(step); }
  });
  slider.addEventListener("input", () => { now = Number(slider.value); draw(); });
  draw();
}
