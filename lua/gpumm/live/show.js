// SPDX-License-Identifier: MIT
// The live page: a drawing of what the server sends, and what one can do with it and to it. Behind the # of its address:
// canvas (also where there is WebGL2), u16 (positions in two bytes).

const byId = id => document.getElementById(id);
const wish = location.hash;
const drawing = gpummDrawing(byId("canvas"), { background: [11 / 255, 14 / 255, 20 / 255], inset: innerWidth > 640 ? 236 : 0, foot: 64,
  follow: true, painter: wish.includes("canvas") ? "canvas" : "" });
const feed = gpummFeed(drawing), pins = new Set();
let state = {}, socket = null, rate = 0, chosen = -1, found = [];

const nameOf = i => feed.names[i] || "node " + (i + 1);
const colorOf = i => "rgb(" + feed.colors.subarray(3 * i, 3 * i + 3).join() + ")";
const isThere = i => i >= 0 && i < feed.count;

function element(kind, content, kindOfClass) {
  const e = document.createElement(kind);
  if (content !== undefined) e.textContent = content;
  if (kindOfClass) e.className = kindOfClass;
  return e;
}

// A line with a dot in a node's color, its name and its degree.
function row(i) {
  const r = element("div", undefined, "row"), dot = element("i"), label = element("span", nameOf(i));
  dot.style.background = colorOf(i);
  label.title = label.textContent;
  r.append(dot, label, element("span", feed.degree[i], "many"));
  r.addEventListener("click", () => isThere(i) && select(i, true));
  return r;
}

// ---- Saying: one command a message (src/modules/live/event.h) --------------------------------------------------------

function say(text) {
  if (socket && socket.readyState === 1) socket.send(text);
}

const number = x => String(Math.fround(x));

// ---- A node and its neighbours, and those that a name is searched for ------------------------------------------------------

function select(i, go) {
  chosen = i;
  drawing.choose(i);
  if (i >= 0 && go) drawing.goTo(i);
  const about = byId("about");
  about.style.display = i < 0 ? "none" : "block";
  about.replaceChildren();
  if (i < 0) return;
  const title = element("h2", nameOf(i)), list = element("div", undefined, "list");
  const near = Array.from(drawing.nearOf(i)).filter(isThere).sort((a, b) => feed.degree[b] - feed.degree[a]);
  if (pins.has(i)) {
    const free = element("button", "unpin");
    free.onclick = () => {
      unpin(i);
      free.remove();
    };
    title.append(free);
  }
  const close = element("button", "×");
  close.onclick = () => select(-1);
  title.append(close);
  list.append(...near.slice(0, 200).map(row));
  about.append(title, element("div", near.length.toLocaleString("en") + " neighbours", "pale"), list);
}

function search(text) {
  const wanted = text.trim().toLowerCase(), list = byId("found"), MOST = 200;
  const first = [], second = [];
  for (const i of found) if (!pins.has(i)) drawing.mark(i, 0);
  for (let i = 0; wanted && i < feed.names.length; i++) {
    const at = (feed.names[i] || "").toLowerCase().indexOf(wanted);
    if (at >= 0) (at === 0 ? first : second).push(i);
  }
  const byDegree = (a, b) => (nameOf(b).toLowerCase() === wanted) - (nameOf(a).toLowerCase() === wanted) || feed.degree[b] - feed.degree[a];
  const all = first.sort(byDegree).concat(second.sort(byDegree));
  found = all.slice(0, MOST);
  for (const i of found) if (!pins.has(i)) drawing.mark(i, 2);
  list.replaceChildren(...all.slice(0, 30).map(row));
  if (wanted) list.append(element("div", all.length.toLocaleString("en") + " found", "pale"));
}

// ---- Hands: what is dragged stays where it is dropped --------------------------------------------------------------------------

function pin(i) {
  pins.add(i);
  drawing.mark(i, 1);
}

function unpin(i) {
  pins.delete(i);
  drawing.mark(i, 0);
  say("free " + i);
}

function tellHand(word, node) {
  say(word + " " + node + " " + Array.from(feed.hand.subarray(0, feed.dimensions), number).join(" "));
}

let due = false, carried = -1; // one message a frame
gpummHands(byId("canvas"), drawing, {
  carry(i, x, y) {
    if (!isThere(i)) return;
    carried = i;
    feed.hold(i, drawing.under(x, y, i));
    if (due) return;
    due = true;
    requestAnimationFrame(() => {
      due = false;
      if (carried === i) tellHand("drag", i);
    });
  },
  drop(i) {
    if (carried !== i) return;
    tellHand("drop", i);
    carried = -1;
    feed.letGo();
    pin(i);
  },
  click(i, e) {
    if (i >= 0 && e.altKey && pins.has(i)) return unpin(i);
    select(i, false);
    if (i >= 0) say("pick " + i);
  },
});

// ---- Buttons ---------------------------------------------------------------------------------------------------------------------

const isStill = () => state.state === "paused" || state.state === "resting";

function solid(is) {
  byId("solid").classList.toggle("on", is);
  if (is && !feed.turned) drawing.turn(.5, feed.dimensions > 2 ? .35 : -.6);
  feed.turned = feed.turned || is;
  drawing.setDeep(is);
}
feed.onTurned = solid;

byId("pause").onclick = () => say(isStill() ? "go" : "pause");
byId("step").onclick = () => say("step 1");
byId("rate").onchange = e => say("rate " + Math.max(0, Math.min(+e.target.value || 0, 1e6)));
byId("fit").onclick = () => drawing.fit();
byId("solid").onclick = () => solid(!drawing.deep());
byId("free").onclick = () => [...pins].forEach(unpin);
byId("png").onclick = async () => {
  const link = element("a");
  link.href = URL.createObjectURL(await drawing.still());
  link.download = "step-" + feed.step + ".png";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
};
byId("finish").onclick = () => say("finish");
byId("search").oninput = e => search(e.target.value);
byId("search").onkeydown = e => {
  if (e.key !== "Enter" || !found.length) return;
  if (isThere(found[0])) select(found[0], true);
  found.push(found.shift());
};
addEventListener("keydown", e => {
  if (e.target.tagName === "INPUT" || e.ctrlKey || e.metaKey) return;
  const keys = { " ": "pause", s: "step", f: "fit", d: "solid" };
  if (e.key === "Escape") select(-1);
  if (e.key === "/") byId("search").focus();
  if (!keys[e.key] && e.key !== "/") return;
  e.preventDefault();
  if (keys[e.key]) byId(keys[e.key]).click();
});

// ---- What is told -------------------------------------------------------------------------------------------------------------------

let knobs = "";

function showKnobs(list) {
  const shape = JSON.stringify(list.map(p => [p.name, p.least, p.most]));
  byId("knobs").style.display = list.length ? "block" : "none";
  if (shape !== knobs) {
    knobs = shape;
    byId("knobs").replaceChildren(...list.map(p => {
      const box = element("label", undefined, "knob"), value = element("span"), input = element("input");
      Object.assign(input, { type: "range", min: p.least, max: p.most, step: "any", value: p.value });
      input.oninput = () => {
        value.textContent = (+input.value).toPrecision(3);
        say("set " + p.name + " " + number(+input.value));
      };
      box.append(element("span", p.name), value, input);
      return box;
    }));
  }
  list.forEach((p, k) => {
    const box = byId("knobs").children[k];
    if (document.activeElement === box.lastChild) return;
    box.lastChild.value = p.value;
    box.children[1].textContent = (+p.value).toPrecision(3);
  });
}

function tell() {
  const n = x => (x || 0).toLocaleString("en");
  byId("how").textContent = (socket || state.state === "ended" ? state.state || "" : "connection lost")
    + (state.steps >= feed.step ? ", step " + n(feed.step) + " of " + n(state.steps) : ", step " + n(feed.step)) + "\n"
    + n(feed.count) + " nodes, " + n(feed.edges) + " edges\n" + rate.toFixed(0) + " frames/s, " + n(feed.missed + feed.dropped)
    + " dropped" + (state.viewers > 1 ? "\n" + state.viewers + " viewers" : "");
}

function readState(text) {
  const before = state.number;
  state = JSON.parse(text);
  if (before !== undefined && state.number !== before) pins.clear(); // another simulation took its place
  document.title = byId("title").textContent = state.title || "gpumm";
  byId("pause").textContent = isStill() ? "Go on" : "Pause";
  byId("pause").classList.toggle("on", isStill());
  if (document.activeElement !== byId("rate")) byId("rate").value = state.rate || 0;
  byId("error").style.display = state.message ? "block" : "none";
  byId("error").textContent = state.message || "";
  showKnobs(state.parameters || []);
  for (const id of ["pause", "step", "finish", "rate"]) byId(id).disabled = state.state === "ended";
  tell();
}

// ---- The connection ------------------------------------------------------------------------------------------------------------------

function connect() {
  const ws = new WebSocket(location.href.replace(/^http/, "ws").replace(/[#?].*$/, "") + "socket", "gpumm-live");
  ws.binaryType = "arraybuffer";
  ws.onopen = () => {
    socket = ws;
    feed.number = 0;
    if (wish.includes("u16")) say("want u16");
  };
  ws.onmessage = e => typeof e.data === "string" ? readState(e.data) : feed.read(e.data);
  ws.onclose = () => {
    socket = null;
    tell();
    if (state.state !== "ended") setTimeout(connect, 1000);
  };
}

setInterval(() => {
  rate = feed.arrived;
  feed.arrived = 0;
  tell();
}, 1000);
connect();
