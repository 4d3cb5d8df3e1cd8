// SPDX-License-Identifier: MIT
// A painter on a plain canvas, for browsers without WebGL2. While the view moves it writes pixels itself, without blending, and
// as many edges as there is time for.

function gpummCanvas(canvas) {
  const pen = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  if (!pen) return null;
  const CHUNK = 1024;
  let ends = new Uint32Array(0), looks = new Uint8Array(0), places = new Float32Array(0), tints = new Uint8Array(0);
  let spots = new Float32Array(0), styles = [], list = new Float32Array(0), labels = 0, many = 0;
  const names = new Array(64).fill("");
  let font = "", ink = "", halo = "";

  const byte = c => Math.round(255 * c);
  function styleOf(i, back, part) {
    const k = 4 * i, mix = c => Math.round(255 * back[c] + part * (tints[k + c] - 255 * back[c]));
    return "rgb(" + mix(0) + "," + mix(1) + "," + mix(2) + ")";
  }

  // x, y and radius of every node in pixels; a radius of 0: it is not there.
  function project(c) {
    const a = c.axes, half = .5, x0 = c.width * half, y0 = c.height * half;
    if (c.depth === 0) return flat(c, x0 - c.scale * c.center[0], y0 + c.scale * c.center[1]);
    for (let i = 0; i < c.nodes; i++) {
      const px = places[4 * i] - c.center[0], py = places[4 * i + 1] - c.center[1], pz = places[4 * i + 2] - c.center[2];
      const d = Math.max(-1, Math.min((a[6] * px + a[7] * py + a[8] * pz) * c.depth, 1)), larger = 1 / (1 - c.strength * d);
      spots[3 * i] = x0 + c.scale * ((a[0] * px + a[1] * py + a[2] * pz) * larger - c.panX);
      spots[3 * i + 1] = y0 - c.scale * ((a[3] * px + a[4] * py + a[5] * pz) * larger - c.panY);
      spots[3 * i + 2] = places[4 * i + 3] > 0 ? Math.max(places[4 * i + 3] * c.zoom * larger, .7) : 0;
    }
  }

  function flat(c, x0, y0) {
    const scale = c.scale, zoom = c.zoom, n = c.nodes;
    for (let i = 0; i < n; i++) {
      const r = places[4 * i + 3];
      spots[3 * i] = x0 + scale * places[4 * i];
      spots[3 * i + 1] = y0 - scale * places[4 * i + 1];
      spots[3 * i + 2] = r > 0 ? Math.max(r * zoom, .7) : 0;
    }
  }

  function outside(c, k, l) {
    const x = spots[k], y = spots[k + 1], u = spots[l], v = spots[l + 1];
    return !(spots[k + 2] > 0) || !(spots[l + 2] > 0) || (x < 0 && u < 0) || (y < 0 && v < 0) || (x > c.width && u > c.width)
      || (y > c.height && v > c.height);
  }

  function head(k, l, wide) {
    const dx = spots[l] - spots[k], dy = spots[l + 1] - spots[k + 1], far = Math.hypot(dx, dy), size = Math.min(5 + 2.2 * wide, .6 * far);
    if (size < 2) return;
    const ux = dx / far, uy = dy / far, tx = spots[l] - ux * (spots[l + 2] + 1), ty = spots[l + 1] - uy * (spots[l + 2] + 1);
    pen.moveTo(tx, ty);
    pen.lineTo(tx - size * (ux + .38 * uy), ty - size * (uy - .38 * ux));
    pen.lineTo(tx - size * (ux - .38 * uy), ty - size * (uy + .38 * ux));
  }

  // ---- Edges, in groups of one color and one width -----------------------------------------------------------------

  let groups = []; // { style, wide, lone, list }

  // Of one color where both ends are, else of the lines' own.
  function group(c) {
    const by = new Map();
    for (let e = 0; e < many; e++) {
      const a = ends[2 * e], b = ends[2 * e + 1], w = looks[2 * e], lone = looks[2 * e + 1] > 128;
      if (!(tints[4 * a + 3] > 128 && tints[4 * b + 3] > 128)) continue; // dim, or not there
      const same = tints[4 * a] === tints[4 * b] && tints[4 * a + 1] === tints[4 * b + 1] && tints[4 * a + 2] === tints[4 * b + 2];
      const rgb = same ? tints[4 * a] + "," + tints[4 * a + 1] + "," + tints[4 * a + 2] : c.line;
      const level = w < 12 ? .5 : w < 48 ? 1 : w < 96 ? 2 : w < 160 ? 3.5 : 6, key = rgb + lone + level;
      let g = by.get(key);
      if (!g) by.set(key, g = { rgb, wide: level, lone, list: [] });
      g.list.push(e);
    }
    groups = Array.from(by.values());
  }

  function stroke(c, g, many, alpha) {
    pen.strokeStyle = pen.fillStyle = "rgba(" + g.rgb + "," + alpha + ")";
    pen.lineWidth = g.wide;
    for (let k = 0; k < many;) {
      pen.beginPath();
      for (const stop = Math.min(k + CHUNK, many); k < stop; k++) {
        const e = g.list[k], from = 3 * ends[2 * e], to = 3 * ends[2 * e + 1];
        if (outside(c, from, to)) continue;
        pen.moveTo(spots[from], spots[from + 1]);
        pen.lineTo(spots[to], spots[to + 1]);
      }
      pen.stroke();
    }
    if (c.arrows) heads(c, g, many);
  }

  function heads(c, g, many) {
    pen.beginPath();
    for (let k = 0; k < many; k++) {
      const from = 3 * ends[2 * g.list[k]], to = 3 * ends[2 * g.list[k] + 1];
      if (!outside(c, from, to)) head(from, to, g.wide);
    }
    pen.fill();
  }

  function allEdges(c) {
    const share = many ? c.edges / many : 0;
    for (const g of groups) {
      const alpha = g.lone ? Math.max(.55, c.alpha) : Math.min(.9, c.alpha / Math.sqrt(Math.max(share, .01)));
      stroke(c, g, Math.ceil(share * g.list.length), alpha);
    }
    if (c.chosen < 0) return;
    mine.list.length = 0;
    for (let e = 0; e < many; e++) if (ends[2 * e] === c.chosen || ends[2 * e + 1] === c.chosen) mine.list.push(e);
    mine.rgb = c.line;
    mine.wide = c.bright < .5 ? 1 : 1.6;
    stroke(c, mine, mine.list.length, c.bright);
  }
  const mine = { rgb: "", wide: 1.6, lone: true, list: [] };

  function disc(x, y, r) {
    if (r < 1.1) return pen.fillRect(x - .9 * r, y - .9 * r, 1.8 * r, 1.8 * r);
    pen.beginPath();
    pen.arc(x, y, r, 0, 7);
    pen.fill();
  }

  function allNodes(c) {
    const order = c.order;
    let last = "";
    for (let k = 0; k < order.length; k++) {
      const i = order[k], x = spots[3 * i], y = spots[3 * i + 1], r = spots[3 * i + 2];
      if (i >= c.nodes || r === 0 || x < -r || y < -r || x > c.width + r || y > c.height + r) continue;
      if (styles[i] !== last) pen.fillStyle = last = styles[i];
      disc(x, y, r);
    }
  }

  // ---- In a hurry: pixels --------------------------------------------------------------------------------------------

  const EDGE_TIME = 1.2; // milliseconds
  let image = null, pixels = null, words = new Uint32Array(0);
  const wordOf = (r, g, b) => (255 << 24 | Math.round(b) << 16 | Math.round(g) << 8 | Math.round(r)) >>> 0;

  function hair(k, l, ratio, word, w, h) {
    const x = spots[k] * ratio, y = spots[k + 1] * ratio, dx = spots[l] * ratio - x, dy = spots[l + 1] * ratio - y;
    const steps = Math.min(Math.ceil(Math.max(Math.abs(dx), Math.abs(dy))), 4096), sx = dx / steps, sy = dy / steps;
    for (let s = 0; s < steps; s++) {
      const px = x + sx * s | 0, py = y + sy * s | 0;
      if (px >= 0 && py >= 0 && px < w && py < h) pixels[py * w + px] = word;
    }
  }

  function dot(x, y, r, word, w, h) {
    const top = Math.max(0, Math.round(y - r)), bottom = Math.min(h - 1, Math.round(y + r) - 1);
    for (let py = top; py <= bottom; py++) {
      const away = py + .5 - y, half = r < 2 ? r : Math.sqrt(Math.max(0, r * r - away * away));
      const from = Math.max(0, Math.round(x - half)), to = Math.min(w, Math.round(x + half));
      for (let px = from; px < to; px++) pixels[py * w + px] = word;
    }
  }

  function hurry(c) {
    const w = canvas.width, h = canvas.height, begin = performance.now(), back = 255 * c.back[0], mid = back < 128 ? 90 : 190;
    if (!image || image.width !== w || image.height !== h) {
      image = pen.createImageData(w, h);
      pixels = new Uint32Array(image.data.buffer);
    }
    pixels.fill(wordOf(back, 255 * c.back[1], 255 * c.back[2]));
    const line = wordOf(.4 * mid + .6 * back, .4 * mid + .6 * 255 * c.back[1], .45 * mid + .55 * 255 * c.back[2]);
    for (let e = 0; e < c.edges && (e % 128 > 0 || performance.now() - begin < EDGE_TIME); e++) {
      const k = 3 * ends[2 * e], l = 3 * ends[2 * e + 1];
      if (!outside(c, k, l)) hair(k, l, c.ratio, line, w, h);
    }
    for (let k = c.order.length - 1; k >= 0; k--) {
      const i = c.order[k], r = Math.max(spots[3 * i + 2] * c.ratio, 1), x = spots[3 * i] * c.ratio, y = spots[3 * i + 1] * c.ratio;
      if (i < c.nodes && spots[3 * i + 2] > 0 && x > -r && y > -r && x < w + r && y < h + r) dot(x, y, r, words[i], w, h);
    }
    pen.putImageData(image, 0, 0);
  }

  function ring(i, c, color) {
    if (i < 0 || spots[3 * i + 2] === 0) return;
    pen.strokeStyle = color || (c.back[0] + c.back[1] + c.back[2] > 1.5 ? "#000" : "#fff");
    pen.lineWidth = 2;
    pen.beginPath();
    pen.arc(spots[3 * i], spots[3 * i + 1], spots[3 * i + 2] + 2, 0, 7);
    pen.stroke();
  }

  function allLabels(c) {
    pen.font = font;
    pen.textBaseline = "middle";
    pen.lineJoin = "round";
    pen.lineWidth = 3;
    pen.strokeStyle = halo;
    pen.fillStyle = ink;
    for (let k = 0; k < labels; k++) {
      const i = list[4 * k], x = spots[3 * i] + spots[3 * i + 2] + 4, y = spots[3 * i + 1];
      if (spots[3 * i + 2] === 0) continue;
      if (!c.moving) pen.strokeText(names[list[4 * k + 1]], x, y);
      pen.fillText(names[list[4 * k + 1]], x, y);
    }
  }

  let restyle = true, regroup = true;
  function color(c) {
    for (let i = 0; i < tints.length / 4; i++) {
      const part = tints[4 * i + 3] > 128 ? 1 : tints[4 * i + 3] / 255, k = 4 * i, rest = 255 * (1 - part);
      words[i] = wordOf(rest * c.back[0] + part * tints[k], rest * c.back[1] + part * tints[k + 1], rest * c.back[2] + part * tints[k + 2]);
    }
    restyle = false;
    regroup = true;
  }

  // What only a view that rests is drawn with.
  function style(c) {
    for (let i = 0; i < tints.length / 4; i++) styles[i] = styleOf(i, c.back, tints[4 * i + 3] / 255);
    group(c);
    regroup = false;
  }

  return {
    kind: "canvas", software: true, slots: 64, side: 1, calls: 0, labelHeight: 40,
    edges(e, l, m) {
      ends = e;
      looks = l;
      many = m;
      regroup = true;
    },
    append(e, l, from, to) { this.edges(e, l, to); },
    nodes(p, t) {
      spots = new Float32Array(p.length / 4 * 3);
      styles = new Array(p.length / 4).fill("");
      words = new Uint32Array(p.length / 4);
      this.places(p);
      this.tints(t);
    },
    places(p) { places = p; },
    tints(t) {
      tints = t;
      restyle = true;
    },
    measure(text, f) {
      pen.font = f;
      return pen.measureText(text).width;
    },
    write(slot, text, f, i, h) {
      names[slot] = text;
      font = f.replace(/[\d.]+px/, size => parseFloat(size) / this.ratio + "px");
      ink = i;
      halo = h;
    },
    ratio: 1,
    labels(l, count) {
      list = l;
      labels = count;
    },
    draw(c) {
      this.ratio = c.ratio;
      if (restyle) color(c);
      if (regroup && !c.moving) style(c);
      project(c);
      pen.setTransform(c.ratio, 0, 0, c.ratio, 0, 0);
      if (c.moving) hurry(c);
      else {
        pen.fillStyle = "rgb(" + byte(c.back[0]) + "," + byte(c.back[1]) + "," + byte(c.back[2]) + ")";
        pen.fillRect(0, 0, c.width, c.height);
        allEdges(c);
        allNodes(c);
      }
      for (let i = 0; i < c.nodes; i++) {
        const kind = 255 - tints[4 * i + 3];
        if (kind === 1 || kind === 2) ring(i, c, kind === 1 ? "#ff6b5c" : "#3ecf8e");
      }
      ring(c.pointed, c);
      ring(c.chosen, c);
      allLabels(c);
    },
    finish() {},
  };
}
