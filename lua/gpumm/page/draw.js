// SPDX-License-Identifier: MIT
// The drawing: a graph, a camera on it, which names are shown, and when a frame is drawn. It knows nothing of where its data
// come from, so that any page can use it:
//
//     const drawing = gpummDrawing(canvas, { background: [r, g, b], painter: "", inset: 0 })  // "canvas": not even where there is WebGL2
//     drawing.setGraph({ nodes, ends, looks, colors, radius, directed, names })      // again where it has grown
//     drawing.setPlaces(values, lanes, count)     // 2 or 3 numbers a node, of the first `count`; as often as they change
//     drawing.show(i => boolean), drawing.choose(i), drawing.goTo(i), drawing.fit(), drawing.pan, zoomAt, turn, pick(x, y)
//
// ends: Uint32Array, two a node from 0; looks: Uint8Array, two an edge: 32 times how wide, and 255 where it is alone (null:
// all alike); colors: Uint8Array, r g b a node; radius: Float32Array; names(i): a text.

function gpummDrawing(canvas, options) {
  const painter = (options.painter !== "canvas" && gpummWebGL(canvas, !!options.smooth)) || gpummCanvas(canvas);
  const light = options.background[0] * .3 + options.background[1] * .6 + options.background[2] * .1 > .5;
  const INK = light ? "#14161c" : "#eef0f6", HALO = "rgba(" + options.background.map(c => Math.round(255 * c)).join() + ",.85)";
  const LABELS = painter.slots - 2, MOVING = 160, CHOOSING = 200, LONGEST = 40;
  const FLAT = new Float32Array([1, 0, 0, 0, 1, 0, 0, 0, 1]);

  // What painters are given, the same object every time.
  const camera = {
    axes: new Float32Array([1, 0, 0, 0, 1, 0, 0, 0, 1]), center: new Float32Array(3), panX: 0, panY: 0, scale: 1, zoom: 1,
    depth: 0, strength: 0, width: 2, height: 2, ratio: 1, back: options.background, alpha: 1, edges: 0, nodes: 0,
    chosen: -1, pointed: -1, bright: 1, arrows: false, moving: false, order: new Uint32Array(0),
    line: light ? "70,85,120" : "150,170,210",
  };
  let inset = options.inset || 0; // pixels at the left that something lies over
  // When the view moved, labels were chosen, and the last frame was; how many edges a moving view has. In an array, so that
  // changing them allocates nothing.
  const MOVED = 0, CHOSEN = 1, LAST = 2, BUDGET = 3, clock = new Float64Array([-1e9, -1e9, 0, 0]);
  const at = { x: 0, y: 0, whole: 1, yaw: 0, pitch: 0, deep: false };
  let graph = null, n = 0, m = 0, count = 0;
  let places = new Float32Array(0), tints = new Uint8Array(0), shown = new Uint8Array(0), wide = new Float32Array(0);
  let placesChanged = false, tintsChanged = false;

  // ---- The graph -----------------------------------------------------------------------------------------------

  function setGraph(g) {
    graph = g;
    n = g.nodes;
    m = g.ends.length / 2;
    const room = Math.ceil(Math.max(n, 1) / painter.side) * painter.side, old = places;
    places = new Float32Array(4 * room);
    places.set(old.subarray(0, Math.min(old.length, 4 * n)));
    tints = new Uint8Array(4 * room);
    shown = new Uint8Array(room).fill(1);
    wide = new Float32Array(room).fill(-1);
    for (let i = 0; i < n; i++) {
      for (let k = 0; k < 3; k++) tints[4 * i + k] = g.colors[3 * i + k];
      tints[4 * i + 3] = 255;
    }
    const degree = new Uint32Array(n);
    for (let k = 0; k < 2 * m; k++) degree[g.ends[k]]++;
    camera.order = Uint32Array.from({ length: n }, (_, i) => i)
      .sort((a, b) => g.radius[b] - g.radius[a] || degree[b] - degree[a] || a - b);
    camera.arrows = g.directed;
    painter.edges(g.ends, g.looks || new Uint8Array(2 * m).map((_, k) => k % 2 ? 0 : 32));
    painter.nodes(places, tints);
    owner.fill(-1);
    clock[BUDGET] = painter.software ? Math.min(m, 20000) : m;
    neighbours = null;
    sizes();
    wake();
  }

  function sizes() {
    for (let i = 0; i < n; i++) places[4 * i + 3] = i < count && shown[i] ? graph.radius[i] : 0;
    placesChanged = true;
  }

  function setPlaces(values, lanes, many) {
    at.deep = lanes > 2;
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
    for (let k = 0; k < n; k++) tints[4 * k + 3] = i < 0 ? 255 : 36;
    if (i >= 0) {
      tints[4 * i + 3] = 255;
      const near = nearOf(i);
      for (const k of near) tints[4 * k + 3] = 255;
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
    // Nodes grow more slowly than the ways between them.
    camera.zoom = Math.pow(camera.scale / at.whole, .6) * Math.min(camera.width, camera.height) / 1200 * 1.1;
    camera.alpha = Math.min(.9, Math.max(.05, 32 / Math.sqrt(m + 1) * Math.pow(camera.scale / at.whole, .5)));
  }

  // From where to where most nodes lie in one coordinate; a few may be farther out.
  function span(axis) {
    const list = [];
    const step = Math.max(1, Math.floor(count / 50000));
    for (let i = 0; i < count; i += step) if (places[4 * i + 3] > 0) list.push(places[4 * i + axis]);
    if (!list.length) return { middle: 0, size: 1 };
    const sorted = Float32Array.from(list).sort(), cut = Math.floor(sorted.length * .002);
    const low = sorted[cut], high = sorted[sorted.length - 1 - cut];
    return { middle: (low + high) / 2, size: Math.max(high - low, 1e-6) };
  }

  function fit() {
    const x = span(0), y = span(1), z = span(2), left = Math.min(inset, camera.width / 3), room = camera.width - left;
    if (at.deep) {
      const half = Math.max(x.size, y.size, z.size) / 2;
      camera.center.set([x.middle, y.middle, z.middle]);
      camera.depth = 1 / half;
      camera.scale = at.whole = .52 * Math.min(room, camera.height) / half;
      at.x = -left / 2 / camera.scale;
      at.y = 0;
    } else {
      camera.depth = 0;
      camera.scale = at.whole = .92 * Math.min(room / x.size, camera.height / y.size);
      at.x = x.middle - left / 2 / camera.scale;
      at.y = y.middle;
    }
    wake(true);
  }

  function pan(dx, dy) {
    at.x -= dx / camera.scale;
    at.y += dy / camera.scale;
    wake(true);
  }

  function zoomAt(px, py, factor) {
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
    const order = camera.order, room = Math.min(LABELS, Math.max(6, Math.round(camera.width * camera.height / 30000)));
    for (let k = 0, seen = 0; k < order.length && k < 200000 && wanted < room && seen < 4000; k++) {
      const i = order[k];
      if (i === camera.pointed || i === camera.chosen || tints[4 * i + 3] < 128 || i >= count || places[4 * i + 3] === 0) continue;
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
    camera.moving = stirred || begin - clock[MOVED] < MOVING;
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
    painter, camera, stats, setGraph, setPlaces, show, choose, point, nearOf, fit, pan, zoomAt, turn, goTo, pick, resize, wake,
    deep: () => at.deep, setInset(pixels) { inset = pixels; }, budget: () => clock[BUDGET], isShown: i => shown[i] === 1 && i < count,
    still: () => new Promise(done => {
      clock[MOVED] = -1e9;
      stirred = false;
      wake();
      requestAnimationFrame(() => canvas.toBlob(done, "image/png"));
    }),
  };
}
