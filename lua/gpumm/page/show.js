// SPDX-License-Identifier: MIT
// The page: a drawing of its data, and what one can do with it. What stands behind the # of its address chooses a state:
// node=NAME, zoom=X, turn=YAW,PITCH (degrees), degree=LOW-HIGH, frame=K, canvas (also where there is WebGL2).

const data = gpummData();
const hash = {};
for (const part of decodeURIComponent(location.hash.slice(1)).split("&")) {
  const [key, ...value] = part.split("=");
  if (key) hash[key] = value.join("=");
}
const drawing = gpummDrawing(byId("canvas"), { background: data.meta.background, smooth: data.meta.directed, inset: 236,
  painter: "canvas" in hash ? "canvas" : "" });
drawing.setGraph({ nodes: data.n, ends: data.ends, looks: data.looks, colors: data.colors, radius: data.radius, toScale: data.meta.to_scale,
  directed: data.meta.directed, names: data.named ? data.names : null });
drawing.setPlaces(data.places, data.lanes, data.n);
drawing.fit();

const nameOf = i => data.names(i) || "node " + (i + 1);
const shortNumber = v => Number.isInteger(v) ? String(v) : v.toPrecision(4);
const colorOf = i => "rgb(" + data.colors.subarray(3 * i, 3 * i + 3).join() + ")";

function element(kind, content, kindOfClass) {
  const e = document.createElement(kind);
  if (content !== undefined) e.textContent = content;
  if (kindOfClass) e.className = kindOfClass;
  return e;
}

// A line with a dot in a color, a text and a number.
function row(color, text, many, onClick) {
  const r = element("div", undefined, "row"), dot = element("i"), label = element("span", text);
  dot.style.background = color;
  label.title = text;
  r.append(dot, label);
  if (many !== undefined) r.append(element("span", many, "many"));
  if (onClick) r.addEventListener("click", onClick);
  return r;
}

// ---- Searching -----------------------------------------------------------------------------------------------------

// Names that begin with the text, then those that have it in them, each by degree.
function find(text, most) {
  const wanted = text.toLowerCase(), first = [], second = [];
  for (const i of drawing.camera.order) {
    if (first.length >= most) break;
    const at = nameOf(i).toLowerCase().indexOf(wanted);
    if (at === 0) first.push(i);
    else if (at > 0 && second.length < most) second.push(i);
  }
  return first.concat(second).slice(0, most);
}

function showFound() {
  const text = byId("search").value.trim(), list = byId("found");
  list.replaceChildren();
  if (!text) return;
  const found = find(text, 30);
  for (const i of found) list.append(row(colorOf(i), nameOf(i), data.degree[i], () => select(i, true)));
  if (!found.length) list.append(element("div", "no name has this in it", "pale"));
}

byId("search").addEventListener("input", showFound);
byId("search").addEventListener("keydown", e => {
  if (e.key !== "Enter") return;
  const [i] = find(e.target.value.trim(), 1);
  if (i !== undefined) select(i, true);
});

// ---- A node and its neighbours ----------------------------------------------------------------------------------------

function select(i, go) {
  drawing.choose(i);
  if (i >= 0 && go) drawing.goTo(i);
  const about = byId("about");
  about.style.display = i < 0 ? "none" : "block";
  about.replaceChildren();
  if (i < 0) return;
  const title = element("h2", nameOf(i)), close = element("button", "×");
  close.addEventListener("click", () => select(-1));
  title.append(close);
  about.append(title);
  for (const c of data.columns) {
    const v = c.values[i], line = element("div", undefined, "ends");
    line.append(element("span", c.name), element("span", v !== v ? "" : c.kinds ? c.kinds[v] : shortNumber(v)));
    about.append(line);
  }
  const list = element("div", undefined, "list"), near = Array.from(drawing.nearOf(i)).sort((a, b) => data.degree[b] - data.degree[a]);
  for (const k of near.slice(0, 200)) list.append(row(colorOf(k), nameOf(k), data.degree[k], () => select(k, true)));
  if (near.length > 200) list.append(element("div", "and " + (near.length - 200) + " more", "pale"));
  about.append(list);
}

// ---- Filters ------------------------------------------------------------------------------------------------------------

const filters = new Map(); // by column: a function of a value

function filter() {
  const list = Array.from(filters);
  let left = 0;
  drawing.show(i => {
    for (const [c, isIn] of list) if (!isIn(c.values[i])) return false;
    left++;
    return true;
  });
  count(left);
}

function count(left) {
  const nodes = left < data.n ? left.toLocaleString("en") + " of " + data.n.toLocaleString("en") : data.n.toLocaleString("en");
  byId("how").textContent = nodes + " nodes, " + data.m.toLocaleString("en") + " edges";
}

function numberFilter(c, box) {
  const low = element("input"), high = element("input"), pair = element("div", undefined, "pair");
  low.type = high.type = "number";
  low.step = high.step = "any";
  low.placeholder = shortNumber(c.low);
  high.placeholder = shortNumber(c.high);
  low.setAttribute("aria-label", c.name + " from");
  high.setAttribute("aria-label", c.name + " to");
  const change = () => {
    const from = low.value === "" ? -Infinity : +low.value, to = high.value === "" ? Infinity : +high.value;
    if (low.value === "" && high.value === "") filters.delete(c);
    else filters.set(c, v => v >= from && v <= to);
    filter();
  };
  low.addEventListener("input", change);
  high.addEventListener("input", change);
  pair.append(low, element("span", "to"), high);
  box.append(pair);
  return (from, to) => {
    low.value = from;
    high.value = to;
    change();
  };
}

function kindFilter(c, box) {
  const off = new Set(), list = element("div", undefined, "list"), many = new Map();
  for (const v of c.values) many.set(v, (many.get(v) || 0) + 1);
  const kinds = Array.from(many).sort((a, b) => b[1] - a[1]);
  for (const [v, k] of kinds.slice(0, 200)) {
    const line = element("label", undefined, "row"), tick = element("input");
    tick.type = "checkbox";
    tick.checked = true;
    tick.addEventListener("change", () => {
      if (tick.checked) off.delete(v);
      else off.add(v);
      if (off.size) filters.set(c, value => !off.has(value));
      else filters.delete(c);
      filter();
    });
    line.append(tick, element("span", c.kinds[v] || "(none)"), element("span", k, "many"));
    list.append(line);
  }
  box.append(list);
}

function makeFilters() {
  const box = byId("filters"), which = element("select"), inner = element("div");
  const title = element("h2", "filter"), all = element("button", "all");
  let set = null;
  for (const c of data.columns) which.append(element("option", c.name));
  const open = () => {
    inner.replaceChildren();
    const c = data.columns[which.selectedIndex];
    filters.delete(c);
    set = c.kinds ? kindFilter(c, inner) : numberFilter(c, inner);
    filter();
  };
  all.title = "show all nodes";
  all.addEventListener("click", () => {
    filters.clear();
    open();
  });
  which.addEventListener("change", open);
  title.append(all);
  box.append(title, which, inner);
  open();
  if (hash.degree) set(...hash.degree.split("-"));
}

// ---- What colors mean -----------------------------------------------------------------------------------------------------

function makeLegend() {
  const legend = data.meta.legend, box = byId("legend");
  if (!legend) return;
  box.style.display = "block";
  if (legend.title) box.append(element("h2", legend.title));
  const list = element("div", undefined, "list");
  if (legend.kind === "range") {
    const ends = element("div", undefined, "ends");
    ends.append(element("span", shortNumber(legend.low)), element("span", shortNumber(legend.high)));
    list.append(element("div", undefined, "scale"), ends);
  }
  for (const item of legend.items || []) list.append(row(item.color, item.label, item.count));
  box.append(list);
}

// ---- Time: the frames of a layout that grew ----------------------------------------------------------------------------------

function makeTime() {
  const frames = data.frames, box = data.meta.box, lanes = data.lanes;
  if (frames.length < 2) return;
  const slider = byId("slider"), play = byId("play"), mixed = new Float32Array(data.n * lanes);
  let playing = false, before = 0;
  const shown = { last: frames.length - 1 };
  byId("time").style.display = "flex";
  slider.max = shown.last;
  slider.value = shown.last;

  function go(t) {
    const k = Math.min(Math.floor(t), shown.last - 1), a = frames[k], b = frames[k + 1], part = t - k;
    const many = part < .5 ? a.count : b.count;
    for (let j = 0; j < many * lanes; j++) {
      const from = j < a.at.length ? a.at[j] : b.at[j];
      mixed[j] = box[j % lanes] + (from + part * (b.at[j] - from)) / 65535 * box[lanes];
    }
    if (t >= shown.last) drawing.setPlaces(data.places, lanes, data.n);
    else drawing.setPlaces(mixed, lanes, many);
    const near = part < .5 ? a : b;
    byId("when").textContent = "step " + near.step + ", " + near.count.toLocaleString("en") + " nodes";
  }

  function tick(now) {
    if (!playing) return;
    let t = +slider.value + Math.min(now - before, 100) / 1000 * Math.max(1, shown.last / 20);
    before = now;
    if (t >= shown.last) {
      t = shown.last;
      stop();
    }
    slider.value = t;
    go(t);
    if (playing) requestAnimationFrame(tick);
  }

  function stop() {
    playing = false;
    play.textContent = "▶";
  }

  play.addEventListener("click", () => {
    if (playing) return stop();
    playing = true;
    play.textContent = "❚❚";
    if (+slider.value >= shown.last) slider.value = 0;
    before = performance.now();
    requestAnimationFrame(tick);
  });
  slider.addEventListener("input", () => {
    stop();
    go(+slider.value);
  });
  if ("frame" in hash) {
    slider.value = +hash.frame;
    go(+slider.value);
  } else go(shown.last);
}

// ---- The rest -------------------------------------------------------------------------------------------------------------------

byId("fit").addEventListener("click", () => drawing.fit());
byId("hide").addEventListener("click", () => drawing.setInset(byId("side").classList.toggle("hidden") ? 0 : 236));
byId("still").addEventListener("click", async () => {
  const link = element("a");
  link.href = URL.createObjectURL(await drawing.still());
  link.download = "layout.png";
  link.click();
  URL.revokeObjectURL(link.href);
});
addEventListener("keydown", e => {
  if (e.key === "Escape") select(-1);
  if (e.key !== "/" || e.target.tagName === "INPUT") return;
  e.preventDefault();
  byId("search").focus();
});
gpummHands(byId("canvas"), drawing, { click: i => select(i, false) });

count(data.n);
makeFilters();
makeLegend();
makeTime();
if (hash.turn) drawing.turn(...hash.turn.split(",").map(v => v * Math.PI / 180));
if (hash.node) {
  const [i] = find(hash.node, 1);
  if (i !== undefined) select(i, !hash.zoom);
  if (i !== undefined && hash.zoom) drawing.goTo(i, +hash.zoom);
} else if (hash.zoom) drawing.zoomAt(drawing.camera.width / 2 + 118, drawing.camera.height / 2, +hash.zoom);
if ("pan" in hash) setTimeout(() => gpummMeasure(drawing), 800);
