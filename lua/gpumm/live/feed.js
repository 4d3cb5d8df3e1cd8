// SPDX-License-Identifier: MIT
// What the server sends (src/modules/live/encode.h, message.h), and how it looks: the graph that a drawing is given.
//
//     const feed = gpummFeed(drawing)
//     feed.read(buffer)          // one binary message
//     feed.hold(node, point)     // it stays there, whatever is sent; feed.letGo(): until the server has it there, too

function gpummFeed(drawing) {
  const COLD = [77, 133, 242], WARM = [247, 199, 66], MOST_NODES = 1 << 24, DRESSING = 300; // milliseconds
  const decoder = new TextDecoder();
  const feed = { count: 0, dimensions: 2, step: 0, number: 0, missed: 0, dropped: 0, edges: 0, arrived: 0, names: [], held: -1, hold, letGo,
    hand: new Float64Array(3), degree: new Uint32Array(0), colors: new Uint8Array(0), read };
  let ends = new Uint32Array(0), radius = new Float32Array(0), given = null, wide = new Float32Array(0);
  let dressed = 0, dressedAt = -1e9, stale = false, late = false, again = true, seed = 1, begun = false;
  // What the drawing is told, the same object every time.
  const told = { nodes: 0, edges: 0, ends, looks: null, colors: feed.colors, radius, directed: false, names: i => feed.names[i] || "" };

  function grown(list, need) {
    if (list.length >= need) return list;
    const more = new list.constructor(Math.max(need, 2 * list.length, 1024));
    more.set(list);
    return more;
  }

  // ---- Looks: larger and warmer by degree, as a picture has them, unless there are colors ----------------------------

  function dress(from) {
    const n = feed.count, crowd = Math.max(.2, Math.min(Math.pow(5000 / Math.max(n, 1), n > 5000 ? .4 : .25), 6)), degree = feed.degree;
    let most = 1;
    for (let i = 0; i < n; i++) most = Math.max(most, degree[i]);
    const part = 1 / Math.log1p(most), colors = feed.colors;
    for (let i = from; i < n; i++) {
      radius[i] = Math.max(.6, crowd * Math.min(1.2 + .45 * Math.sqrt(degree[i]), 16));
      const heat = part * Math.log1p(degree[i]), own = given !== null && 3 * i < given.length;
      for (let k = 0; k < 3; k++) colors[3 * i + k] = own ? given[3 * i + k] : COLD[k] + heat * (WARM[k] - COLD[k]);
    }
    dressed = n;
  }

  // Hands what came to the drawing: new nodes at once, all nodes' looks some times a second.
  function renew() {
    const now = performance.now(), all = again || now - dressedAt > DRESSING, n = feed.count;
    stale = false;
    if (n === 0) return;
    told.colors = feed.colors = grown(feed.colors, 3 * n);
    told.radius = radius = grown(radius, n);
    feed.degree = grown(feed.degree, n);
    told.ends = ends;
    told.nodes = n;
    told.edges = feed.edges;
    dress(all ? 0 : Math.min(dressed, n));
    if (all) dressedAt = now;
    else if (!late) {
      late = true;
      setTimeout(() => {
        late = false;
        renew();
      }, DRESSING + 20);
    }
    if (again) drawing.setGraph(told);
    else drawing.append(told);
    again = false;
  }

  function change() {
    if (stale) return;
    stale = true;
    requestAnimationFrame(() => stale && renew());
  }

  // ---- A node in a hand: what is sent is a little older than that ----------------------------------------------------------

  const PATIENCE = 3000; // milliseconds
  let letAt = Infinity;

  function hold(i, point) {
    feed.held = i;
    feed.hand.set(point);
    letAt = Infinity;
    drawing.place(i, feed.hand);
  }

  function letGo() { letAt = performance.now(); }

  function keepHeld(values, lanes) {
    if (feed.held < 0 || feed.held >= feed.count) return;
    const at = lanes * feed.held, dx = values[at] - feed.hand[0], dy = values[at + 1] - feed.hand[1];
    if (performance.now() > letAt && (Math.hypot(dx, dy) * drawing.camera.scale < 2 || performance.now() > letAt + PATIENCE)) feed.held = -1;
    else drawing.place(feed.held, feed.hand);
  }

  // ---- Messages --------------------------------------------------------------------------------------------------------

  // u16, back to where they were.
  function widened(view, count, lanes) {
    const raw = new Uint16Array(view.buffer, 64, count * lanes);
    wide = grown(wide, count * lanes);
    for (let axis = 0; axis < lanes; axis++) {
      const low = view.getFloat32(32 + 4 * axis, true), size = (view.getFloat32(44 + 4 * axis, true) - low) / 65535;
      for (let k = axis; k < count * lanes; k += lanes) wide[k] = low + raw[k] * size;
    }
    return wide;
  }

  function readFrame(view) {
    const count = view.getUint32(12, true), lanes = view.getUint32(8, true), number = view.getUint32(16, true);
    if (feed.number && number > feed.number + 1) feed.missed += number - feed.number - 1;
    const other = count !== feed.count, turned = lanes !== feed.dimensions || !begun;
    feed.count = count;
    feed.dimensions = lanes;
    feed.number = number;
    feed.dropped = view.getUint32(20, true);
    feed.step = view.getUint32(24, true) + 4294967296 * view.getInt32(28, true);
    feed.arrived++;
    if (other || stale) renew();
    const values = view.getUint32(4, true) === 1 ? widened(view, count, lanes) : new Float32Array(view.buffer, 64, count * lanes);
    drawing.setPlaces(values, lanes, count);
    keepHeld(values, lanes);
    if (!turned || count === 0) return;
    begun = true;
    if (feed.onTurned) feed.onTurned(lanes > 2);
  }

  // In an order of chance: while the view moves, a slow machine draws the first of them only.
  function shuffle(from, to) {
    for (let e = to - 1; e > from; e--) {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
      const o = from + Math.floor(seed / 4294967296 * (e - from + 1)), a = ends[2 * e], b = ends[2 * e + 1];
      ends[2 * e] = ends[2 * o];
      ends[2 * e + 1] = ends[2 * o + 1];
      ends[2 * o] = a;
      ends[2 * o + 1] = b;
    }
  }

  function readEdges(view, first, count) {
    const added = new Uint32Array(view.buffer, 16, 2 * count), before = ends.length;
    if (first === 0) {
      again = true;
      feed.degree.fill(0);
    }
    ends = grown(ends, 2 * (first + count));
    for (let e = 0; e < count; e++) {
      const a = added[2 * e], b = added[2 * e + 1], good = a < MOST_NODES && b < MOST_NODES;
      ends[2 * (first + e)] = good ? a : 0;
      ends[2 * (first + e) + 1] = good ? b : 0;
      if (!good) continue;
      feed.degree = grown(feed.degree, Math.max(a, b) + 1);
      feed.degree[a]++;
      feed.degree[b]++;
    }
    feed.edges = first + count;
    shuffle(ends.length === before ? first : 0, feed.edges); // larger ones are handed over as a whole anyway
    change();
  }

  function readNames(view, first, count) {
    if (first === 0) feed.names = [];
    for (let at = 16, i = 0; i < count; i++) {
      const length = view.getUint16(at, true);
      feed.names[first + i] = decoder.decode(new Uint8Array(view.buffer, at + 2, length));
      at += 2 + length;
    }
    drawing.renamed();
  }

  function readColors(view, count) {
    given = count ? new Uint8Array(view.buffer, 16, 3 * count) : null;
    dressedAt = -1e9;
    change();
  }

  function read(data) {
    const view = new DataView(data), kind = view.getUint32(0, true), first = view.getUint32(4, true);
    if (kind === 1) readFrame(view);
    else if (kind === 2) readEdges(view, first, view.getUint32(8, true));
    else if (kind === 3) readNames(view, first, view.getUint32(8, true));
    else if (kind === 4) readColors(view, view.getUint32(8, true));
  }
  return feed;
}
