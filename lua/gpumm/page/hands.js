// SPDX-License-Identifier: MIT
// Pointers, wheel and keys on a drawing: drag pans (in space turns; with Shift or the right button pans), two fingers and the
// wheel zoom, a click calls on.click(node), the pointer over a node on.point(node). Where on.carry is there, a node is dragged:
// on.carry(node, x, y) as often as it moves, then on.drop(node).

function gpummHands(canvas, drawing, on) {
  const held = new Map();
  let traveled = 0, here = null, asked = false, carried = -1;

  canvas.addEventListener("pointerdown", e => {
    canvas.setPointerCapture(e.pointerId);
    held.set(e.pointerId, [e.clientX, e.clientY]);
    carried = on.carry && held.size === 1 && e.button === 0 && !e.shiftKey ? drawing.pick(e.offsetX, e.offsetY) : -1;
    canvas.classList.add("held");
    traveled = 0;
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, e => {
    const was = held.delete(e.pointerId), node = carried;
    carried = -1;
    if (node >= 0 && traveled >= 4) on.drop(node);
    else if (was && end === "pointerup" && traveled < 4 && on.click) on.click(drawing.pick(e.offsetX, e.offsetY), e);
    if (!held.size) canvas.classList.remove("held");
  });
  canvas.addEventListener("pointermove", e => {
    const before = held.get(e.pointerId), now = [e.clientX, e.clientY];
    if (!before) return look(e);
    held.set(e.pointerId, now);
    const dx = now[0] - before[0], dy = now[1] - before[1];
    traveled += Math.abs(dx) + Math.abs(dy);
    if (held.size > 1) return pinch(e.pointerId, before, now);
    if (carried >= 0) return traveled < 4 || on.carry(carried, e.offsetX, e.offsetY);
    if (drawing.deep() && !e.shiftKey && !(e.buttons & 2)) drawing.turn(dx * .006, dy * .006);
    else drawing.pan(dx, dy);
  });

  function pinch(id, before, now) {
    for (const [other, there] of held) {
      if (other === id) continue;
      const apart = p => Math.max(Math.hypot(p[0] - there[0], p[1] - there[1]), 10);
      drawing.zoomAt(there[0], there[1], apart(now) / apart(before));
      return;
    }
  }

  // Which node the pointer is over is asked once a frame.
  function look(e) {
    here = e;
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      const i = drawing.pick(here.offsetX, here.offsetY);
      drawing.point(i);
      canvas.classList.toggle("over", i >= 0);
      if (on.point) on.point(i);
    });
  }

  canvas.addEventListener("contextmenu", e => e.preventDefault());
  canvas.addEventListener("pointerleave", () => drawing.point(-1));
  canvas.addEventListener("wheel", e => {
    e.preventDefault();
    drawing.zoomAt(e.offsetX, e.offsetY, Math.exp(-e.deltaY * (e.deltaMode ? .05 : .0015)));
  }, { passive: false });
  canvas.addEventListener("dblclick", () => drawing.fit());
  addEventListener("resize", () => drawing.resize());
}
