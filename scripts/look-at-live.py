#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Opens a live page in headless Chromium (Debian packages chromium, python3-websockets): saves a screenshot after each of some
seconds, and prints what the page says of itself. Not in CI, because pictures are for eyes and timings for machines.

    scripts/look-at-live.py URL OUT [SECONDS]... [--do SCRIPT] [--drag X,Y]

SCRIPT is JavaScript that runs before the last screenshot, and after that the largest node is dragged by so many pixels. OUT-1.png, OUT-2.png, … are written.
"""
import asyncio
import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request

import websockets


async def call(ws, method, **parameters):
    call.number += 1
    await ws.send(json.dumps({"id": call.number, "method": method, "params": parameters}))
    while True:
        answer = json.loads(await ws.recv())
        if answer.get("method") == "Runtime.exceptionThrown":
            print("page:", json.dumps(answer["params"]["exceptionDetails"].get("exception", {}).get("description")))
        if answer.get("id") == call.number:
            return answer.get("result", answer)


call.number = 0


async def evaluate(ws, text):
    result = await call(ws, "Runtime.evaluate", expression=text, awaitPromise=True, returnByValue=True)
    return result.get("result", {}).get("value", result)


async def drag(ws, x, y):
    node = await evaluate(ws, "drawing.camera.order.find(i => feed.count > i && drawing.pick(...drawing.where(i)) === i)")
    there = await evaluate(ws, f"drawing.where({node})")
    for part in [0, 0, .2, .4, .6, .8, 1, 1]:
        kind = "mousePressed" if part == 0 and not drag.held else "mouseMoved"
        drag.held = True
        await call(ws, "Input.dispatchMouseEvent", type=kind, x=there[0] + part * x, y=there[1] + part * y, button="left", buttons=1,
                   clickCount=1)
        await asyncio.sleep(0.1)
    await call(ws, "Input.dispatchMouseEvent", type="mouseReleased", x=there[0] + x, y=there[1] + y, button="left", clickCount=1)
    await asyncio.sleep(3)
    print("dragged node", node, "from", there, "to", await evaluate(ws, f"drawing.where({node})"), "pins", await evaluate(ws, "[...pins]"))


drag.held = False


async def look(port, url, out, seconds, script, dragged):
    new = f"http://127.0.0.1:{port}/json/new?" + urllib.parse.quote(url, safe="")
    with urllib.request.urlopen(urllib.request.Request(new, method="PUT")) as answer:
        page = json.load(answer)
    async with websockets.connect(page["webSocketDebuggerUrl"], max_size=None) as ws:
        await call(ws, "Runtime.enable")
        begin, loop = asyncio.get_running_loop().time(), asyncio.get_running_loop()
        first = {}
        while not isinstance(first, (int, float)):  # until the page is there
            first = await evaluate(ws, "typeof feed === 'undefined' ? null : new Promise(r => { const t = setInterval(() => {"
                                       " if (drawing.stats.frames && feed.count) { clearInterval(t); r(Math.round(performance.now())); } }, 5); })")
        print("first picture after", first, "ms")
        for k, at in enumerate(seconds, 1):
            await asyncio.sleep(max(0, begin + at - loop.time()))
            if script and k == len(seconds):
                print("did:", await evaluate(ws, script))
                await asyncio.sleep(0.5)
            if dragged and k == len(seconds):
                await drag(ws, *map(float, dragged.split(",")))
            print(f"{at} s:", await evaluate(ws, "[drawing.painter.kind, byId('how').textContent].join(' | ')"))
            shot = await call(ws, "Page.captureScreenshot", format="png")
            with open(f"{out}-{k}.png", "wb") as file:
                file.write(base64.b64decode(shot["data"]))
        print("frames, script of the drawing and of a message, median and 95th percentile in ms:", await evaluate(ws, """new Promise(done => {
            const s = drawing.stats, messages = [], read = feed.read, heap = [], first = s.frames;
            feed.read = data => { const t = performance.now(); read(data); messages.push(performance.now() - t); };
            (function turn() { drawing.wake(true); heap.push(performance.memory ? performance.memory.usedJSHeapSize : 0);
              if (s.frames - first < 120) return requestAnimationFrame(turn);
              const of = list => { const some = Array.from(list).sort((a, b) => a - b), at = q => (some[Math.floor(q * (some.length - 1))] || 0);
                return at(.5).toFixed(2) + ', ' + at(.95).toFixed(2); };
              const some = list => Array.from({ length: 119 }, (_, k) => list[(s.frames - 1 - k) % 1024]);
              let grown = 0; for (let k = 1; k < heap.length; k++) grown += Math.max(0, heap[k] - heap[k - 1]);
              feed.read = read;
              done([of(some(s.every)), of(some(s.script)), of(messages)].join(' | ') + ' | ' + s.calls + ' draw calls, '
                + Math.round(grown / heap.length) + ' bytes a frame'); })(); })"""))


def main(url, out, *rest):
    rest, told = list(rest), {}
    for name in ("--do", "--drag"):
        if name in rest:
            at = rest.index(name)
            told[name] = rest[at + 1]
            del rest[at:at + 2]
    seconds = [float(s) for s in rest] or [3.0]
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or sys.exit("missing: chromium")
    profile = tempfile.mkdtemp()
    flags = ["--headless=new", "--hide-scrollbars", "--no-first-run", f"--user-data-dir={profile}", "--remote-debugging-port=0",
             "--enable-unsafe-swiftshader", "--remote-allow-origins=*",
             "--window-size=" + os.environ.get("GPUMM_WINDOW", "1500,950")]
    if os.getuid() == 0:
        flags.append("--no-sandbox")
    browser = subprocess.Popen([chromium, *flags, "about:blank"], stderr=subprocess.PIPE, text=True)
    try:
        port = next(m.group(1) for line in browser.stderr if (m := re.search(r"ws://127\.0\.0\.1:(\d+)/", line)))
        asyncio.run(look(port, url, out, seconds, told.get("--do"), told.get("--drag")))
    finally:
        browser.terminate()
        browser.wait()
        shutil.rmtree(profile, ignore_errors=True)


main(*sys.argv[1:])
