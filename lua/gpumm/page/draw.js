// SPDX-License-Identifier: MIT
// The drawing: a graph, a camera on it, which names are shown, and when a frame is drawn. It knows nothing of where its data
// come from, so that any page can use it:
//
//     const drawing = gpummDrawing(canvas, { background: [r, g, b], painter: "", inset: 0, foot: 0, follow: false })
//     drawing.setGraph({ nodes, edges, ends, looks, colors, radius, toScale, directed, names })
//     drawing.append(graph)                       // where it has grown: more nodes and edges behind those that it had
//     drawing.setPlaces(values, lanes, count)     // 2 or 3 numbers a node, of the first `count`; as often as they change
//     drawing.show(i => boolean), drawing.choose(i), drawing.goTo(i), drawing.fit(), drawing.pan, zoomAt, turn, pick(x, y)
//     drawing.under(x, y, i), drawing.place(i, point), drawing.mark(i, kind), drawing.setDeep(boolean)
//
// painter: "canvas": not even where there is WebGL2. follow: the view goes with all nodes until somebody moves it, and after fit.
// edges: how many of `ends`, which may have room for more; all of them, unless given. mark: a ring, 1: red, 2: green, 0: none.
// ends: Uint32Array, two a node from 0; looks: Uint8Array, two an edge: 32 times how wide, and 255 where it is alone (null:
// all alike); colors: Uint8Array, r g b a node; radius: Float32Array, in the places' unit where
// toScale; names(i): a text.

function gpummDrawing(canvas, options) {
  const painter = (options.painter !== "canvas" && gpummWebGL(canvas, !!options.smooth)) || gpummCanvas(canvas);
  const light = options.background[0] * .3 + options.background[1] * .6 + options.background[2] * .1 > .5;
  const INK = light ? "#14161c" : "#eef0f6", HALO = "rgba(" + options.background.map(c => Math.round(255 * c)).join() + ",.85)";
  const LABELS = painter.slots - 2, MOVING = 160, CHOOSING = 200, REORDERING = 500, FOLLOWING = 100, FOLLOWED = .12, LONGEST = 40;
  const FLAT = new Float32Array([1, 0, 0, 0, 1, 0, 0, 0, 1]);

  // What painters are given, the same object every time.
  const camera = {
    axes: new Float32Array([1, 0, 0, 0, 1, 0, 0, 0, 1]), center: new Float32Array(3), panX: 0, panY: 0, scale: 1, zoom: 1,
    depth: 0, strength: 0, width: 2, height: 2, ratio: 1, back: options.background, alpha: 1, edges: 0, nodes: 0,
    chosen: -1, pointed: -1, bright: 1, arrows: false, moving: false, order: new Uint32Array(0),
    line: light ? "70,85,120" : "150,170,210",
  };
  let inset = options.inset || 0; // pixels at the left that something lies over
  const foot = options.foot || 0; // and at the bottom
  // When the view moved, labels were chosen, and the last frame was; how many edges a moving view has; when nodes were put in
  // order, and when it was asked where all of them are. In an array, so that changing them allocates nothing.
  const MOVED = 0, CHOSEN = 1, LAST = 2, BUDGET = 3, ORDERED = 4, SPANNED = 5, clock = new Float64Array([-1e9, -1e9, 0, 0, 0, -1e9]);
  const at = { x: 0, y: 0, whole: 1, yaw: 0, pitch: 0, deep: false };
  let graph = null, n = 0, m = 0, count = 0, room = 0;
  let places = new Float32Array(0), tints = new Uint8Array(0), shown = new Uint8Array(0), wide = new Float32Array(0);
  let marks = new Uint8Array(0), order = new Uint32Array(0), plain = new Uint8Array(0);
  let placesChanged = false, tintsChanged = false, following = !!options.follow, deepAs = null, posing = false;
  const marked = new Set(); // nodes with a ring that are named where there is room

  // ---- The graph -----------------------------------------------------------------------------------------------

  function grown(list, length) {
    const more = new list.constructor(length);
    more.set(list);
    return more;
  }

  // For the nodes, and half as many again where they grow.
  function makeRoom() {
    if (n <= room) return;
    const before = room;
    room = Math.ceil(Math.max(n, 1.5 * room, 1) / painter.side) * painter.side;
    places = grown(places, 4 * room);
    tints = grown(tints, 4 * room);
    shown = grown(shown, room).fill(1, before);
    wide = grown(wide, room).fill(-1, before);
    marks = grown(marks, room);
    order = grown(order, room);
    painter.nodes(places, tints);
  }

  function looksOf(g) {
    if (g.looks) return g.looks;
    if (plain.length < g.ends.length) plain = new Uint8Array(g.ends.length).map((_, k) => k % 2 ? 0 : 32);
    return plain;
  }

  function adopt(g) {
    graph = g;
    n = g.nodes;
    m = g.edges === undefined ? g.ends.length / 2 : g.edges;
    camera.arrows = !!g.directed;
    neighbours = null;
    makeRoom();
    for (let i = 0; i < n; i++) for (let k = 0; k < 3; k++) tints[4 * i + k] = g.colors[3 * i + k];
    tintsChanged = true;
  }

  function setGraph(g) {
    adopt(g);
    count = Math.min(count, n);
    places.fill(0, 4 * n);
    shown.fill(1);
    wide.fill(-1);
    marks.fill(0);
    marked.clear();
    const degree = new Uint32Array(n);
    for (let k = 0; k < 2 * m; k++) degree[g.ends[k]]++;
    order.set(Uint32Array.from({ length: n }, (_, i) => i)
      .sort((a, b) => g.radius[b] - g.radius[a] || degree[b] - degree[a] || a - b));
    camera.order = order.subarray(0, n);
    painter.edges(g.ends, looksOf(g), m);
    owner.fill(-1);
    clock[BUDGET] = painter.software ? Math.min(m, 20000) : m;
    choose(-1);
    sizes();
    wake();
  }

  function append(g) {
    if (!graph || g.nodes < n || g.edges < m) return setGraph(g);
    const before = n, from = m;
    adopt(g);
    for (let i = before; i < n; i++) {
      order[i] = i;
      tints[4 * i + 3] = camera.chosen < 0 ? 255 : 36;
    }
    if (n > before || camera.order.buffer !== order.buffer) camera.order = order.subarray(0, n);
    if (m > from) painter.append(g.ends, looksOf(g), from, m);
    if (clock[BUDGET] >= from) clock[BUDGET] = painter.software ? Math.min(m, Math.max(from, 20000)) : m;
    if (performance.now() - clock[ORDERED] > REORDERING) putInOrder();
    sizes();
    wake();
  }

  // By radius alone, the largest first: a sort by counting, which allocates nothing.
  const LEVELS = 1024, firsts = new Uint32Array(LEVELS + 1);

  function putInOrder() {
    let most = 1e-9;
    clock[ORDERED] = performance.now();
    for (let i = 0; i < n; i++) most = Math.max(most, graph.radius[i]);
    const level = (LEVELS - 1) / most;
    firsts.fill(0);
    for (let i = 0; i < n; i++) firsts[LEVELS - Math.floor(graph.radius[i] * level)]++;
    for (let k = 1; k <= LEVELS; k++) firsts[k] += firsts[k - 1];
    for (let i = 0; i < n; i++) order[firsts[LEVELS - 1 - Math.floor(graph.radius[i] * level)]++] = i;
    if (camera.chosen >= 0) choose(camera.chosen); // it may have new neighbours
  }

  function sizes() {
    for (let i = 0; i < n; i++) places[4 * i + 3] = i < count && shown[i] ? Math.max(graph.radius[i], 1e-30) : 0;
    placesChanged = true;
  }

  function setPlaces(values, lanes, many) {
    at.deep = deepAs === null ? lanes > 2 : deepAs;
    for (let i = 0; i < many; i++) {
      places[4 * i] = values[lanes * i];
      places[4 * i + 1] = values[lanes * i + 1];
      places[4 * i + 2] = lanes > 2 ? values[lanes * i + 2] : 0;
    }
    if (many !== count) {
      count = many;
      sizes();
    }
    placesChanged = true;
    wake(true);
  }

  // In space or flat, whatever the places are.
  function setDeep(is) {
    at.deep = deepAs = is;
    fit();
  }

  // Where a node is, by hand, until its place is set again: the view does not move below the hand.
  function place(i, point) {
    following = false;
    for (let k = 0; k < 3; k++) places[4 * i + k] = point[k];
    placesChanged = true;
    wake(true);
  }

  // In alpha, which is 255 where a node is bright: painters know rings by it.
  function mark(i, kind) {
    if (i < 0 || i >= n) return;
    marks[i] = kind;
    if (kind === 2) marked.add(i);
    else marked.delete(i);
    if (tints[4 * i + 3] > 128 || kind) tints[4 * i + 3] = 255 - kind;
    tintsChanged = true;
    clock[CHOSEN] = -1e9;
    wake();
  }

  function renamed() {
    wide.fill(-1);
    owner.fill(-1);
    clock[CHOSEN] = -1e9;
    wake();
  }

  function show(isShown) {
    for (let i = 0; i < n; i++) shown[i] = isShown(i) ? 1 : 0;
    sizes();
    clock[CHOSEN] = -1e9;
    wake();
  }

  // ---- Neighbours ------------------------------------------------------------------------------------------------

  let neighbours = null;

  function rows() {
    if (neighbours) return neighbours;
    const first = new Uint32Array(n + 1), near = new Uint32Array(2 * m), fill = new Uint32Array(n);
    for (let k = 0; k < 2 * m; k++) first[graph.ends[k] + 1]++;
    for (let i = 0; i < n; i++) first[i + 1] += first[i];
    for (let e = 0; e < m; e++) {
      const a = graph.ends[2 * e], b = graph.ends[2 * e + 1];
      near[first[a] + fill[a]++] = b;
      near[first[b] + fill[b]++] = a;
    }
    return neighbours = { first, near };
  }

  function nearOf(i) {
    const r = rows();
    return r.near.subarray(r.first[i], r.first[i + 1]);
  }

  // Chooses a node: its neighbours stay bright. -1: none.
  function choose(i) {
    camera.chosen = i;
    for (let k = 0; k < n; k++) tints[4 * k + 3] = i < 0 || marks[k] > 0 ? 255 - marks[k] : 36;
    if (i >= 0) {
      tints[4 * i + 3] = 255 - marks[i];
      const near = nearOf(i);
      for (const k of near) tints[4 * k + 3] = 255 - marks[k];
      camera.bright = Math.max(.12, Math.min(9 / Math.sqrt(near.length), .95)); // thousands of edges would hide everything
    }
    tintsChanged = true;
    clock[CHOSEN] = -1e9;
    wake();
  }

  // ---- The camera ------------------------------------------------------------------------------------------------

  const spot = new Float64Array(4); // of the last project: x, y, how near, how much larger

  function project(i) {
    const a = camera.axes, c = camera.center;
    const x = places[4 * i] - c[0], y = places[4 * i + 1] - c[1], z = places[4 * i + 2] - c[2];
    spot[2] = Math.max(-1, Math.min((a[6] * x + a[7] * y + a[8] * z) * camera.depth, 1));
    spot[3] = 1 / (1 - camera.strength * spot[2]);
    spot[0] = camera.width / 2 + camera.scale * ((a[0] * x + a[1] * y + a[2] * z) * spot[3] - camera.panX);
    spot[1] = camera.height / 2 - camera.scale * ((a[3] * x + a[4] * y + a[5] * z) * spot[3] - camera.panY);
  }

  const radiusOf = i => Math.max(places[4 * i + 3] * camera.zoom * spot[3], .8);

  // The view's own numbers from what hands have changed.
  function aim() {
    const cy = Math.cos(at.yaw), sy = Math.sin(at.yaw), cp = Math.cos(at.pitch), sp = Math.sin(at.pitch), a = camera.axes;
    a[0] = cy, a[1] = 0, a[2] = sy;
    a[3] = sp * sy, a[4] = cp, a[5] = -sp * cy;
    a[6] = -cp * sy, a[7] = sp, a[8] = cp * cy;
    camera.panX = at.deep ? at.x : 0;
    camera.panY = at.deep ? at.y : 0;
    if (!at.deep) {
      a.set(FLAT);
      camera.center[0] = at.x;
      camera.center[1] = at.y;
      camera.center[2] = 0;
    }
    camera.strength = at.deep ? .25 : 0;
    // Nodes grow more slowly than the ways between them, unless they are to scale.
    camera.zoom = graph && graph.toScale ? camera.scale : Math.pow(camera.scale / at.whole, .6) * Math.min(camera.width, camera.height) / 1200 * 1.1;
    camera.alpha = Math.min(.9, Math.max(.05, 32 / Math.sqrt(m + 1) * Math.pow(camera.scale / at.whole, .5)));
  }

  // From where to where most nodes lie in one coordinate, as its middle and its size; a few may be farther out.
  const sample = new Float32Array(2048), span = new Float64Array(2);

  function spanOf(axis) {
    const step = Math.max(1, Math.ceil(count / sample.length));
    let some = 0;
    for (let i = 0; i < count; i += step) {
      const v = places[4 * i + axis];
      if (places[4 * i + 3] > 0 && v === v) sample[some++] = v;
    }
    sample.fill(Infinity, some).sort();
    const cut = Math.floor(some * .002), low = some ? sample[cut] : -.5, high = some ? sample[some - 1 - cut] : .5;
    span[0] = (low + high) / 2;
    span[1] = Math.max(high - low + (graph && graph.toScale && n ? 2 * graph.radius[order[0]] : 0), 1e-6);
  }

  const to = { x: 0, y: 0, z: 0, half: 1, scale: 1 }; // where the view is to go for all nodes to be seen
  const covered = () => Math.min(inset, camera.width / 3);

  function findAll() {
    const across = camera.width - covered(), down = camera.height - foot;
    spanOf(0);
    to.x = span[0];
    const w = span[1];
    spanOf(1);
    to.y = span[0];
    const h = span[1];
    if (at.deep) spanOf(2);
    to.z = span[0];
    to.half = Math.max(w, h, span[1]) / 2;
    to.scale = at.deep ? .52 * Math.min(across, down) / to.half : .92 * Math.min(across / w, down / h);
  }

  // A part of the way there.
  function approach(part) {
    const c = camera.center;
    camera.scale *= Math.pow(to.scale / camera.scale, part);
    at.whole = to.scale;
    const aside = covered() / 2 / camera.scale, below = foot / 2 / camera.scale;
    if (at.deep) {
      c[0] += part * (to.x - c[0]);
      c[1] += part * (to.y - c[1]);
      c[2] += part * (to.z - c[2]);
      camera.depth = 1 / to.half;
      at.x = -aside;
      at.y = -below;
    } else {
      camera.depth = 0;
      at.x += part * (to.x - aside - at.x);
      at.y += part * (to.y - below - at.y);
    }
  }

  function fit() {
    following = !!options.follow;
    clock[SPANNED] = performance.now();
    findAll();
    approach(1);
    wake(true);
  }

  // Goes with a graph that grows; stops where it is nearly there.
  function follow(now) {
    if (now - clock[SPANNED] > FOLLOWING) {
      clock[SPANNED] = now;
      findAll();
    }
    const x = at.x, y = at.y, scale = camera.scale;
    approach(FOLLOWED);
    if (Math.abs(scale / to.scale - 1) > .002 || Math.hypot(at.x - x, at.y - y) * scale > .2) wake(true);
  }

  function pan(dx, dy) {
    following = false;
    at.x -= dx / camera.scale;
    at.y += dy / camera.scale;
    wake(true);
  }

  function zoomAt(px, py, factor) {
    following = false;
    const dx = px - camera.width / 2, dy = camera.height / 2 - py;
    const scale = Math.min(Math.max(camera.scale * factor, at.whole / 20), at.whole * 1e5);
    at.x += dx / camera.scale - dx / scale;
    at.y += dy / camera.scale - dy / scale;
    camera.scale = scale;
    wake(true);
  }

  function turn(dx, dy) {
    at.yaw += dx;
    at.pitch = Math.max(-1.55, Math.min(at.pitch + dy, 1.55));
    wake(true);
  }

  function goTo(i, factor) {
    following = false;
    camera.scale = Math.max(camera.scale, at.whole * (factor || 4));
    if (!at.deep) {
      at.x = places[4 * i];
      at.y = places[4 * i + 1];
    } else {
      aim();
      project(i);
      at.x += (spot[0] - camera.width / 2) / camera.scale;
      at.y += (camera.height / 2 - spot[1]) / camera.scale;
    }
    wake(true);
  }

  // The pixel that a node is at.
  function where(i) {
    aim();
    project(i);
    return [spot[0], spot[1]];
  }

  const point3 = new Float64Array(3);

  // The point at a pixel that is as near as node i.
  function under(px, py, i) {
    aim();
    project(i);
    const a = camera.axes, dx = (px - spot[0]) / camera.scale / spot[3], dy = (spot[1] - py) / camera.scale / spot[3];
    for (let k = 0; k < 3; k++) point3[k] = places[4 * i + k] + a[k] * dx + a[3 + k] * dy;
    return point3;
  }

  // The node at a pixel, the nearest one where several are; -1: none.
  function pick(px, py) {
    let best = -1, least = 1, nearest = -2;
    for (let i = 0; i < count; i++) {
      if (places[4 * i + 3] === 0) continue;
      project(i);
      const reach = radiusOf(i) + 5, dx = spot[0] - px, dy = spot[1] - py, d = (dx * dx + dy * dy) / (reach * reach);
      if (d >= 1 || (d >= least && spot[2] <= nearest)) continue;
      least = d;
      nearest = spot[2];
      best = i;
    }
    return best;
  }

  // ---- Which names are shown -----------------------------------------------------------------------------------------

  const owner = new Int32Array(painter.slots).fill(-1), kept = new Uint8Array(painter.slots);
  const list = new Float32Array(4 * painter.slots), boxes = new Float32Array(4 * painter.slots), want = new Int32Array(painter.slots);
  let wanted = 0, pending = false;
  const font = () => 13 * camera.ratio + "px system-ui, sans-serif";

  function named(i) {
    const name = graph.names(i);
    return name.length > LONGEST ? name.slice(0, LONGEST - 1) + "…" : name;
  }

  // Takes the label of node i where it has room; true: it has.
  function take(i, always) {
    if (i < 0 || i >= count || places[4 * i + 3] === 0 || wanted >= LABELS || !graph.names(i)) return false;
    project(i);
    if (wide[i] < 0) wide[i] = painter.measure(named(i), font()) / camera.ratio;
    const x0 = spot[0] + radiusOf(i) + 3, y0 = spot[1] - 9, x1 = x0 + wide[i] + 6, y1 = y0 + 18;
    if (x1 < 0 || y1 < 0 || x0 > camera.width || y0 > camera.height) return false;
    for (let k = 0; k < wanted && !always; k++)
      if (x0 < boxes[4 * k + 2] && boxes[4 * k] < x1 && y0 < boxes[4 * k + 3] && boxes[4 * k + 1] < y1) return false;
    boxes[4 * wanted] = x0;
    boxes[4 * wanted + 1] = y0;
    boxes[4 * wanted + 2] = x1;
    boxes[4 * wanted + 3] = y1;
    want[wanted++] = i;
    return true;
  }

  // The largest in view; of a chosen node's neighbours alone.
  function chooseLabels() {
    wanted = 0;
    if (!graph.names) return;
    take(camera.pointed, true);
    take(camera.chosen, true);
    for (const i of marked) take(i, false);
    const order = camera.order, room = Math.min(LABELS, Math.max(6, Math.round(camera.width * camera.height / 30000)));
    for (let k = 0, seen = 0; k < order.length && k < 200000 && wanted < room && seen < 4000; k++) {
      const i = order[k];
      if (i === camera.pointed || i === camera.chosen || marks[i] === 2 || tints[4 * i + 3] < 128 || i >= count || places[4 * i + 3] === 0) continue;
      project(i);
      if (spot[0] < -20 || spot[1] < 0 || spot[0] > camera.width || spot[1] > camera.height) continue;
      seen++;
      take(i, false);
    }
  }

  // Slots of what is no longer shown go to what is new; only a few texts are written in a frame.
  function writeLabels() {
    let free = 0, some = camera.moving ? 4 : painter.software ? 64 : 16, out = 0;
    pending = false;
    kept.fill(0);
    for (let k = 0; k < wanted; k++) {
      const slot = owner.indexOf(want[k]);
      if (slot >= 0) kept[slot] = 1;
    }
    for (let k = 0; k < wanted; k++) {
      let slot = owner.indexOf(want[k]);
      if (slot < 0) {
        if (some-- <= 0) {
          pending = true;
          continue;
        }
        while (kept[free]) free++;
        kept[slot = free] = 1;
        owner[slot] = want[k];
        painter.write(slot, named(want[k]), font(), INK, HALO);
      }
      list[4 * out] = want[k];
      list[4 * out + 1] = slot;
      list[4 * out + 2] = (wide[want[k]] + 6) * camera.ratio;
      list[4 * out++ + 3] = painter.labelHeight;
    }
    painter.labels(list, out);
  }

  // ---- When: everything once the view rests; while it moves, as many edges as a frame has time for ------------------------

  const stats = { frames: 0, script: new Float32Array(1024), every: new Float32Array(1024), calls: 0 };
  let asked = false, stirred = false, wasMoving = false;

  function wake(moving) {
    if (moving && stats.frames > 0) {
      clock[MOVED] = performance.now();
      stirred = true; // also where the frame comes late
    }
    if (asked) return;
    asked = true;
    requestAnimationFrame(frame);
  }

  function adapt(took) {
    if (took > 18) clock[BUDGET] = Math.max(Math.min(m, 2000), clock[BUDGET] * Math.max(.25, 16 / took));
    else clock[BUDGET] = Math.min(m, clock[BUDGET] * 1.08 + 100);
  }

  function frame(now) {
    const begin = performance.now();
    asked = false;
    if (!graph) return;
    if (following && count > 0) follow(begin);
    camera.moving = !posing && (stirred || begin - clock[MOVED] < MOVING);
    stirred = false;
    if (camera.moving && wasMoving) adapt(now - clock[LAST]);
    if (placesChanged) painter.places(places);
    if (tintsChanged) painter.tints(tints);
    placesChanged = tintsChanged = false;
    camera.nodes = count;
    camera.edges = camera.moving ? Math.floor(clock[BUDGET]) : m;
    aim();
    if (camera.moving ? begin - clock[CHOSEN] > CHOOSING : true) {
      clock[CHOSEN] = begin;
      chooseLabels();
      pending = true;
    }
    if (pending) writeLabels();
    painter.draw(camera);
    stats.every[stats.frames % 1024] = now - clock[LAST];
    stats.script[stats.frames % 1024] = performance.now() - begin;
    stats.frames++;
    stats.calls = painter.calls;
    clock[LAST] = now;
    wasMoving = camera.moving;
    if (camera.moving || pending) wake();
  }

  function resize() {
    camera.ratio = Math.min(window.devicePixelRatio || 1, 2);
    camera.width = Math.max(canvas.clientWidth, 2);
    camera.height = Math.max(canvas.clientHeight, 2);
    canvas.width = Math.round(camera.width * camera.ratio);
    canvas.height = Math.round(camera.height * camera.ratio);
    wide.fill(-1);
    owner.fill(-1);
    wake();
  }

  function point(i) {
    if (i === camera.pointed) return;
    camera.pointed = i;
    clock[CHOSEN] = -1e9;
    wake(painter.software);
  }

  resize();
  return {
    painter, camera, stats, setGraph, append, setPlaces, setDeep, place, under, where, mark, renamed, show, choose, point, nearOf, fit, pan, zoomAt, turn, goTo, pick, resize, wake,
    deep: () => at.deep, setInset(pixels) { inset = pixels; }, budget: () => clock[BUDGET], isShown: i => shown[i] === 1 && i < count,
    still: () => new Promise(done => {
      posing = true; // everything is drawn, also while it moves
      wake();
      requestAnimationFrame(() => {
        posing = false;
        canvas.toBlob(done, "image/png");
        wake(true);
      });
    }),
  };
}
