// SPDX-License-Identifier: MIT
// #pan: how long frames and the page's own work in them take while the view pans and zooms, how many draw calls a frame has
// by WebGL's own count, and how much memory it takes, to the console.

function gpummMeasure(drawing) {
  const reach = drawing.camera.width / 3, begin = performance.now(), kinds = ["drawArrays", "drawElements", "drawArraysInstanced",
    "drawElementsInstanced"], proto = window.WebGL2RenderingContext && WebGL2RenderingContext.prototype;
  let calls = 0, most = 0, frames = 0, angle = 0, heap = 0, before = 0;
  if (proto) for (const kind of kinds) {
    const real = proto[kind];
    proto[kind] = function (...all) {
      calls++;
      return real.apply(this, all);
    };
  }
  const used = () => performance.memory ? performance.memory.usedJSHeapSize : NaN;
  const first = drawing.stats.frames;
  drawing.zoomAt(drawing.camera.width / 2, drawing.camera.height / 2, 1.5);
  function report() {
    const n = Math.min(drawing.stats.frames - first, 1024);
    const part = (list, q) => {
      const some = Array.from({ length: n }, (_, k) => list[(drawing.stats.frames - 1 - k) % 1024]).slice(0, Math.max(1, n - 5)).sort((a, b) => a - b);
      return some[Math.floor(q * (some.length - 1))].toFixed(2);
    };
    const s = drawing.stats;
    console.log("gpumm: " + drawing.painter.kind + ", " + n + " frames, median " + part(s.every, .5) + " ms, 95th percentile "
      + part(s.every, .95) + " ms; script median " + part(s.script, .5) + " ms, 95th percentile " + part(s.script, .95) + " ms, most "
      + part(s.script, 1) + " ms; " + most + " draw calls a frame; " + Math.round(heap / Math.max(1, frames - 20)) + " bytes a frame; "
      + Math.floor(drawing.budget()) + " edges while panning");
  }
  (function turn(now) {
    most = Math.max(most, calls);
    calls = 0;
    const bytes = used();
    if (frames > 20) heap += Math.max(0, bytes - before); // where it shrinks, the collector ran
    before = bytes;
    frames++;
    const next = angle + .05;
    drawing.pan(reach * (Math.cos(next) - Math.cos(angle)), reach * (Math.sin(next) - Math.sin(angle)));
    drawing.painter.finish();
    angle = next;
    if (now - begin < 6000 || (frames < 120 && now - begin < 60000)) requestAnimationFrame(turn);
    else report();
  })(begin);
}
