// SPDX-License-Identifier: MIT
// What the page was written with: little-endian numbers in base64, and texts in JSON. f32 x, y (and depth) a node; u32 from,
// to an edge, from 0; u8 r, g, b a node; u8 width, alone an edge; f32 radius a node; columns of f32; frames of u16.

const byId = id => document.getElementById(id);

function bytesOf(id) {
  const text = atob(byId(id).textContent), bytes = new Uint8Array(text.length);
  for (let k = 0; k < text.length; k++) bytes[k] = text.charCodeAt(k);
  return bytes;
}

function gpummData() {
  const meta = JSON.parse(byId("meta").textContent), names = JSON.parse(byId("names").textContent);
  const flat = new Float32Array(bytesOf("positions").buffer), depths = new Float32Array(bytesOf("depths").buffer);
  const ends = new Uint32Array(bytesOf("edges").buffer), looks = bytesOf("looks");
  const n = meta.nodes, m = meta.edges, lanes = meta.lanes;
  const degree = new Uint32Array(n);
  for (let k = 0; k < 2 * m; k++) degree[ends[k]]++;

  let places = flat;
  if (lanes > 2) {
    places = new Float32Array(3 * n);
    for (let i = 0; i < n; i++) places.set([flat[2 * i], flat[2 * i + 1], depths[i]], 3 * i);
  }

  // Edges in an order of chance: while the view moves, a slow machine draws the first of them only.
  let seed = 1;
  function swap(list, e, o) {
    for (let k = 0; k < 2; k++) {
      const t = list[2 * e + k];
      list[2 * e + k] = list[2 * o + k];
      list[2 * o + k] = t;
    }
  }
  for (let e = m - 1; e > 0; e--) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    const o = Math.floor(seed / 4294967296 * (e + 1));
    swap(ends, e, o);
    if (looks.length) swap(looks, e, o);
  }

  // Columns to filter by: { name, values (f32, or the number of its kind), kinds (null: numbers), low, high }.
  const raw = new Float32Array(bytesOf("columns").buffer);
  const columns = [{ name: "degree", values: Float32Array.from(degree), kinds: null }];
  meta.columns.forEach((c, k) => columns.push({ name: c.name, values: raw.subarray(k * n, (k + 1) * n), kinds: c.kinds || null }));
  for (const c of columns) {
    c.low = Infinity;
    c.high = -Infinity;
    for (const v of c.values) if (v === v) {
      c.low = Math.min(c.low, v);
      c.high = Math.max(c.high, v);
    }
  }

  // Frames of a growing layout: places of the first nodes, in the box of all frames; the last frame is the layout itself.
  const packed = new Uint16Array(bytesOf("frames").buffer), frames = [];
  let offset = 0;
  for (const f of meta.frames) {
    frames.push({ step: f[0], count: f[1], at: packed.subarray(offset, offset + f[1] * lanes) });
    offset += f[1] * lanes;
  }
  const radius = new Float32Array(bytesOf("radii").buffer);
  return { meta, n, m, lanes, places, ends, looks: looks.length ? looks : null, colors: bytesOf("colors"), radius, degree, columns,
    frames, names: i => names[i] || "" , named: names.length > 0 };
}
