// SPDX-License-Identifier: MIT
// A painter on WebGL2. Places and colors of nodes are textures, so that edges, nodes and labels read the same ones: what
// moves is uploaded once, and a frame is three draw calls and some numbers. Nothing is allocated in it.

const GPUMM_SHARED = `#version 300 es
precision highp float; precision highp int;
uniform highp sampler2D places, tints;
uniform vec4 block[8];
#define ax block[0].xyz            // how the camera is turned
#define zoom block[0].w            // pixels to a radius of 1
#define ay block[1].xyz
#define ratio block[1].w           // pixels to one of the page
#define az block[2].xyz
#define alpha block[2].w
#define center block[3].xyz        // about what it is turned
#define bright block[3].w          // of a chosen node's edges
#define view block[4]              // the middle of the view, and what a unit is in clip space
#define depth block[5].xy          // one over how deep half of it is, and how strong the perspective; 0: flat
#define pixel block[5].zw          // in clip space
#define back block[6].xyz
#define most block[6].w            // of a point's size
#define chosen int(block[7].x)     // -1: none
#define pointed int(block[7].y)
#define known uint(block[7].z)     // how many nodes have a place
ivec2 spot(int i) { return ivec2(i & 1023, i >> 10); }
vec3 project(vec3 p, out float larger) {
  p -= center;
  vec3 q = vec3(dot(ax, p), dot(ay, p), dot(az, p));
  float d = clamp(q.z * depth.x, -1., 1.);
  larger = 1. / (1. - depth.y * d);
  return vec3((q.xy * larger - view.xy) * view.zw, -.9 * d);
}
vec3 faded(vec3 color, float z) { return depth.x > 0. ? mix(back, color, .7 - .333 * z) : color; }`;

const GPUMM_NODE = GPUMM_SHARED + `
flat out vec4 tint; flat out vec3 shape; flat out float mark;
void main() {
  vec4 at = texelFetch(places, spot(gl_VertexID), 0); float larger;
  tint = texelFetch(tints, spot(gl_VertexID), 0);
  vec3 p = project(at.xyz, larger);
  tint.rgb = faded(tint.rgb, p.z);
  float ring = 255. * (1. - tint.a);  // 1 or 2: it is marked
  mark = ring > .5 && ring < 2.5 ? 2. + round(ring) : gl_VertexID == chosen ? 2. : gl_VertexID == pointed ? 1. : 0.;
  float r = max(at.w * zoom * larger, .8), rim = mark > 0. ? 2.5 * ratio : min(1.1 * ratio, .35 * r);
  gl_Position = at.w > 0. ? vec4(p, 1.) : vec4(2., 2., 2., 1.);
  gl_PointSize = min(2. * (r + rim) + 1., most);
  shape = vec3(min(r, .5 * most - rim), rim, gl_PointSize); }`;
const GPUMM_DISC = `#version 300 es
precision highp float;
flat in vec4 tint; flat in vec3 shape; flat in float mark; uniform vec4 block[8]; out vec4 color;
void main() {
  vec3 back = block[6].xyz; bool deep = block[5].x > 0.;
  float away = length(gl_PointCoord - .5) * shape.z;
  float disc = clamp(shape.x + .5 - away, 0., 1.), rim = clamp(shape.x + shape.y + .5 - away, 0., 1.);
  vec3 around = mark > 3.5 ? vec3(.24, .81, .56) : mark > 2.5 ? vec3(1., .42, .36)
    : mark > 0. ? vec3(dot(back, vec3(.3, .6, .1)) > .5 ? 0. : 1.) : back;
  color = vec4(mix(around, tint.rgb, disc), max(disc, rim * (mark > 0. ? 1. : .7)) * (mark > 0. ? 1. : tint.a));
  if (deep && color.a < .5 * tint.a) discard; }`;

const GPUMM_EDGE = GPUMM_SHARED + `
layout(location=0) in uvec2 ends; layout(location=1) in vec2 look; // how wide, as a part of 8; 1: it is alone
out float across; flat out float thick; out vec4 tint;
const int END[6] = int[](0, 0, 1, 1, 0, 1), SIDE[6] = int[](-1, 1, -1, -1, 1, 1);
void main() {
  vec4 a = texelFetch(places, spot(int(ends.x)), 0), b = texelFetch(places, spot(int(ends.y)), 0); float la, lb;
  vec3 pa = project(a.xyz, la), pb = project(b.xyz, lb);
  vec2 from = pa.xy / pixel, to = pb.xy / pixel, way = to - from;
  float length_ = length(way), wide = max(8. * look.x, .4) * ratio, full = max(wide, ratio);
  bool mine = int(ends.x) == chosen || int(ends.y) == chosen;
  if (mine) full = max(full, (bright < .5 ? 1. : 1.6) * ratio);
  vec2 along = length_ > 0. ? way / length_ : vec2(1., 0.), aside = vec2(-along.y, along.x);
  vec4 ta = texelFetch(tints, spot(int(ends.x)), 0), tb = texelFetch(tints, spot(int(ends.y)), 0);
  float strength = .3 + .7 / (1. + length_ * pixel.x);
  float light = max(alpha * strength, .6 * look.y) * min(1., wide / full) * min(ta.a, tb.a);
  bool head = gl_VertexID > 5;
  int e = head ? 1 : END[gl_VertexID], s = head ? gl_VertexID - 7 : SIDE[gl_VertexID];
  vec3 color = e == 0 ? faded(ta.rgb, pa.z) : faded(tb.rgb, pb.z);
  tint = vec4(color, mine ? bright : min(light + (head ? .25 * light : 0.), .95));
  thick = .5 * full; across = head ? 0. : float(s) * (thick + .5);
  vec2 at = (e == 0 ? from : to) + aside * across;
  if (head) {
    float size = min(ratio * 5. + 2.2 * wide, .6 * length_), rim = max(b.w * zoom * lb, .8) + ratio;
    at = to - along * rim - (s == 0 ? vec2(0.) : along * size - aside * float(s) * .38 * size);
  }
  bool gone = ends.x >= known || ends.y >= known || a.w <= 0. || b.w <= 0. || tint.a < .002 || (abs(pa.x) > 1. && pa.x * pb.x > 1.) || (abs(pa.y) > 1. && pa.y * pb.y > 1.);
  gl_Position = gone ? vec4(2., 2., 2., 1.) : vec4(at * pixel, 0., 1.); }`;
// Lines a pixel wide by the nodes' numbers alone: what a view that moves is drawn with where the processor draws.
const GPUMM_THIN = GPUMM_SHARED + `
out float across; flat out float thick; out vec4 tint;
void main() {
  vec4 at = texelFetch(places, spot(gl_VertexID), 0), color = texelFetch(tints, spot(gl_VertexID), 0); float larger;
  vec3 p = project(at.xyz, larger);
  across = 0.; thick = .5;
  tint = vec4(faded(color.rgb, p.z), uint(gl_VertexID) < known && at.w > 0. ? alpha * color.a : 0.);
  gl_Position = vec4(p.xy, 0., 1.); }`;
const GPUMM_STROKE = `#version 300 es
precision highp float;
in float across; flat in float thick; in vec4 tint; out vec4 pixel;
void main() { pixel = vec4(tint.rgb, tint.a * clamp(thick + .5 - abs(across), 0., 1.)); }`;

const GPUMM_LABEL = GPUMM_SHARED + `
layout(location=0) in vec4 label;  // the node, its slot, how wide and high in pixels
uniform vec4 slots; out vec2 coord;
void main() {
  vec4 at = texelFetch(places, spot(int(label.x)), 0); float larger;
  vec3 p = project(at.xyz, larger);
  vec2 corner = vec2(gl_VertexID & 1, gl_VertexID >> 1);
  vec2 from = p.xy / pixel + vec2(max(at.w * zoom * larger, .8) + 3. * ratio, .5 * label.w);
  vec2 half_ = 1. / pixel; // from the middle to an edge: whole pixels are counted from there
  from = floor(from + half_) - half_ + corner * vec2(label.z, -label.w);
  vec2 slot = vec2(mod(label.y, slots.x), floor(label.y / slots.x)) * slots.zw;
  coord = slot + corner * label.zw;
  gl_Position = at.w > 0. ? vec4(from * pixel, 0., 1.) : vec4(2., 2., 2., 1.); }`;
const GPUMM_TEXT = `#version 300 es
precision highp float;
in vec2 coord; uniform sampler2D atlas; out vec4 pixel;
void main() { pixel = texture(atlas, coord / vec2(textureSize(atlas, 0))); }`;

function gpummWebGL(canvas, smooth) {
  const gl = canvas.getContext("webgl2", { antialias: smooth, alpha: false, preserveDrawingBuffer: false });
  if (!gl) return null;
  const SIDE = 1024, SLOT_WIDTH = 512, SLOT_HEIGHT = 40, SLOTS_ACROSS = 4, SLOTS_DOWN = 16;
  const most = gl.getParameter(gl.ALIASED_POINT_SIZE_RANGE)[1], about = gl.getExtension("WEBGL_debug_renderer_info");
  const software = !!about && /swiftshader|llvmpipe|softpipe|software|basic render/i.test(gl.getParameter(about.UNMASKED_RENDERER_WEBGL));

  function program(vertex, fragment) {
    const p = gl.createProgram(), at = {};
    for (const [kind, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
      const s = gl.createShader(kind);
      gl.shaderSource(s, text);
      gl.compileShader(s);
      gl.attachShader(p, s);
    }
    gl.linkProgram(p);
    if (!gl.getProgramParameter(p, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(p));
    for (let k = 0; k < gl.getProgramParameter(p, gl.ACTIVE_UNIFORMS); k++) {
      const name = gl.getActiveUniform(p, k).name;
      at[name] = gl.getUniformLocation(p, name);
    }
    gl.useProgram(p);
    gl.uniform1i(at.places, 0);
    gl.uniform1i(at.tints, 1);
    return { p, at };
  }

  function texture(unit) {
    const t = gl.createTexture();
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(gl.TEXTURE_2D, t);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    return t;
  }

  const node = program(GPUMM_NODE, GPUMM_DISC), edge = program(GPUMM_EDGE, GPUMM_STROKE), label = program(GPUMM_LABEL, GPUMM_TEXT);
  const thin = program(GPUMM_THIN, GPUMM_STROKE);
  texture(0);
  texture(1);
  texture(2);
  gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, SLOT_WIDTH * SLOTS_ACROSS, SLOT_HEIGHT * SLOTS_DOWN, 0, gl.RGBA, gl.UNSIGNED_BYTE, null);
  gl.useProgram(label.p);
  gl.uniform1i(label.at.atlas, 2);
  gl.uniform4f(label.at.slots, SLOTS_ACROSS, SLOTS_DOWN, SLOT_WIDTH, SLOT_HEIGHT);
  gl.enable(gl.BLEND);
  gl.depthFunc(gl.LEQUAL);

  const lines = gl.createVertexArray(), dots = gl.createVertexArray(), texts = gl.createVertexArray();
  const endBuffer = gl.createBuffer(), lookBuffer = gl.createBuffer(), labelBuffer = gl.createBuffer();
  gl.bindVertexArray(lines);
  gl.bindBuffer(gl.ARRAY_BUFFER, endBuffer);
  gl.enableVertexAttribArray(0);
  gl.vertexAttribIPointer(0, 2, gl.UNSIGNED_INT, 0, 0);
  gl.vertexAttribDivisor(0, 1);
  gl.bindBuffer(gl.ARRAY_BUFFER, lookBuffer);
  gl.enableVertexAttribArray(1);
  gl.vertexAttribPointer(1, 2, gl.UNSIGNED_BYTE, true, 0, 0);
  gl.vertexAttribDivisor(1, 1);
  const hairs = gl.createVertexArray(), hairBuffer = gl.createBuffer();
  gl.bindVertexArray(hairs);
  gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, hairBuffer);
  gl.bindVertexArray(texts);
  gl.bindBuffer(gl.ARRAY_BUFFER, labelBuffer);
  gl.bufferData(gl.ARRAY_BUFFER, 16 * SLOTS_ACROSS * SLOTS_DOWN, gl.DYNAMIC_DRAW);
  gl.enableVertexAttribArray(0);
  gl.vertexAttribPointer(0, 4, gl.FLOAT, false, 0, 0);
  gl.vertexAttribDivisor(0, 1);
  gl.bindVertexArray(null);

  // One label at a time is written here, and goes from here to its slot.
  const sheet = document.createElement("canvas");
  sheet.width = SLOT_WIDTH;
  sheet.height = SLOT_HEIGHT;
  const pen = sheet.getContext("2d", { willReadFrequently: true });
  let rows = 0, labels = 0, roomy = 0, many = 0;

  function upload(unit, format, type, inner, data) {
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
    if (inner) gl.texImage2D(gl.TEXTURE_2D, 0, inner, SIDE, rows, 0, format, type, data);
    else gl.texSubImage2D(gl.TEXTURE_2D, 0, 0, 0, SIDE, rows, format, type, data);
  }

  // All numbers of the camera, in one call that takes them as they lie here.
  const block = new Float32Array(32);
  block[27] = most;

  function fill(c) {
    for (let k = 0; k < 3; k++) {
      for (let row = 0; row < 3; row++) block[4 * row + k] = c.axes[3 * row + k];
      block[12 + k] = c.center[k];
      block[24 + k] = c.back[k];
    }
    block[3] = c.zoom * c.ratio;
    block[7] = c.ratio;
    block[11] = c.alpha;
    block[15] = c.bright;
    block[16] = c.panX;
    block[17] = c.panY;
    block[18] = 2 * c.scale / c.width;
    block[19] = 2 * c.scale / c.height;
    block[20] = c.depth;
    block[21] = c.strength;
    block[22] = 2 / canvas.width;
    block[23] = 2 / canvas.height;
    block[28] = c.chosen;
    block[29] = c.pointed;
    block[30] = c.nodes;
  }

  function use(which) {
    gl.useProgram(which.p);
    gl.uniform4fv(which.at["block[0]"], block);
  }

  return {
    kind: "webgl", software, slots: SLOTS_ACROSS * SLOTS_DOWN, side: SIDE, calls: 0,
    edges(ends, looks, count) {
      roomy = ends.length;
      many = count;
      gl.bindBuffer(gl.ARRAY_BUFFER, endBuffer);
      gl.bufferData(gl.ARRAY_BUFFER, ends, gl.STATIC_DRAW);
      gl.bindBuffer(gl.ARRAY_BUFFER, lookBuffer);
      gl.bufferData(gl.ARRAY_BUFFER, looks, gl.STATIC_DRAW);
      if (!software) return;
      gl.bindVertexArray(hairs);
      gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, ends, gl.STATIC_DRAW);
      gl.bindVertexArray(null);
    },
    // Those that came since; all of them anew where the arrays are larger ones.
    append(ends, looks, from, to) {
      if (ends.length !== roomy) return this.edges(ends, looks, to);
      many = to;
      gl.bindBuffer(gl.ARRAY_BUFFER, endBuffer);
      gl.bufferSubData(gl.ARRAY_BUFFER, 8 * from, ends, 2 * from, 2 * (to - from));
      gl.bindBuffer(gl.ARRAY_BUFFER, lookBuffer);
      gl.bufferSubData(gl.ARRAY_BUFFER, 2 * from, looks, 2 * from, 2 * (to - from));
      if (!software) return;
      gl.bindVertexArray(hairs);
      gl.bufferSubData(gl.ELEMENT_ARRAY_BUFFER, 8 * from, ends, 2 * from, 2 * (to - from));
      gl.bindVertexArray(null);
    },
    // Room for as many rows of SIDE nodes as the arrays have.
    nodes(places, tints) {
      rows = places.length / 4 / SIDE;
      upload(0, gl.RGBA, gl.FLOAT, gl.RGBA32F, places);
      upload(1, gl.RGBA, gl.UNSIGNED_BYTE, gl.RGBA8, tints);
    },
    places(places) { upload(0, gl.RGBA, gl.FLOAT, 0, places); },
    tints(tints) { upload(1, gl.RGBA, gl.UNSIGNED_BYTE, 0, tints); },
    measure(text, font) {
      pen.font = font;
      return Math.min(pen.measureText(text).width, SLOT_WIDTH - 8);
    },
    write(slot, text, font, ink, halo) {
      pen.clearRect(0, 0, SLOT_WIDTH, SLOT_HEIGHT);
      pen.font = font;
      pen.textBaseline = "middle";
      pen.lineJoin = "round";
      pen.lineWidth = 4;
      pen.strokeStyle = halo;
      pen.fillStyle = ink;
      pen.strokeText(text, 3, SLOT_HEIGHT / 2);
      pen.fillText(text, 3, SLOT_HEIGHT / 2);
      gl.activeTexture(gl.TEXTURE2);
      gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, true);
      gl.texSubImage2D(gl.TEXTURE_2D, 0, slot % SLOTS_ACROSS * SLOT_WIDTH, Math.floor(slot / SLOTS_ACROSS) * SLOT_HEIGHT, gl.RGBA,
        gl.UNSIGNED_BYTE, sheet);
    },
    // Four numbers a label: its node, its slot, its width, its height.
    labels(list, count) {
      labels = count;
      gl.bindBuffer(gl.ARRAY_BUFFER, labelBuffer);
      gl.bufferSubData(gl.ARRAY_BUFFER, 0, list, 0, 4 * count);
    },
    labelHeight: SLOT_HEIGHT,
    draw(c) {
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.clearColor(c.back[0], c.back[1], c.back[2], 1);
      gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
      gl.blendFuncSeparate(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA, gl.ONE, gl.ONE);
      this.calls = 0;
      fill(c);
      if (c.edges > 0 && software && c.moving) {
        block[11] = Math.min(.5, c.alpha / Math.sqrt(c.edges / many)); // some of them, which are to look like all
        use(thin);
        gl.bindVertexArray(hairs);
        gl.drawElements(gl.LINES, 2 * c.edges, gl.UNSIGNED_INT, 0);
        this.calls++;
      } else if (c.edges > 0) {
        use(edge);
        gl.bindVertexArray(lines);
        gl.drawArraysInstanced(gl.TRIANGLES, 0, c.arrows ? 9 : 6, c.edges);
        this.calls++;
      }
      use(node);
      if (c.depth > 0) gl.enable(gl.DEPTH_TEST);
      gl.bindVertexArray(dots);
      gl.drawArrays(gl.POINTS, 0, c.nodes);
      gl.disable(gl.DEPTH_TEST);
      this.calls++;
      if (labels > 0) {
        gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
        use(label);
        gl.bindVertexArray(texts);
        gl.drawArraysInstanced(gl.TRIANGLE_STRIP, 0, 4, labels);
        this.calls++;
      }
      gl.flush();
    },
    finish() { gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, this.probe); },
    probe: new Uint8Array(4),
  };
}
