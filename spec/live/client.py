# SPDX-License-Identifier: MIT
"""A viewer of another make for spec/live_spec.lua: the PyPI package websockets (Debian: python3-websockets).

    client.py PORT TOKEN OUT COMMAND [ARGUMENT]...

Commands write what happened to OUT, a line each, and a last line "done"; spec/live_spec.lua reads them.
"""
import asyncio
import base64
import json
import os
import socket
import struct
import sys
import time

import websockets

BEGAN = time.time()
HOST = "127.0.0.1"
PORT, TOKEN, OUT = int(sys.argv[1]), sys.argv[2], open(sys.argv[3], "w")


def say(*words):
    print(*words, file=OUT, flush=True)


def viewer(**more):
    return websockets.connect(f"ws://{HOST}:{PORT}/{TOKEN}/socket", subprotocols=["gpumm-live"], max_size=None,
                              compression=None, open_timeout=30, close_timeout=1, **more)


def frame_of(data):
    """(count, dimensions, format, number, dropped, step, low, high, positions as bytes)"""
    kind, form, dimensions, count, number, dropped, step = struct.unpack_from("<6Iq", data)
    low, high = struct.unpack_from("<3f", data, 32), struct.unpack_from("<3f", data, 44)
    assert kind == 1
    width = count * dimensions * (2 if form else 4)
    assert len(data) == 64 + (width + 3) // 4 * 4, (len(data), width)
    return count, dimensions, form, number, dropped, step, low, high, data[64:64 + width]


def unsqueezed(form, dimensions, low, high, raw):
    if form == 0:
        return struct.unpack(f"<{len(raw) // 4}f", raw)
    quantized = struct.unpack(f"<{len(raw) // 2}H", raw)
    return [low[i % dimensions] + q / 65535 * (high[i % dimensions] - low[i % dimensions])
            for i, q in enumerate(quantized)]


async def watch(form, commands):
    """Every frame with its positions, edges and names until the server ends; sends the commands, in order. "@resting" is none:
    those behind it are sent once the state is that, or with "@3" once the step is."""
    left = list(commands)

    async def send_some(ws, state):
        while left and (left[0][0] != "@" or left[0][1:] in state):
            command = left.pop(0)
            if command[0] == "@":
                state = ()
            else:
                await ws.send(command)

    async with viewer() as ws:
        if form == "u16":
            await ws.send("want u16")
        await send_some(ws, ())
        try:
            async for data in ws:
                if isinstance(data, str):
                    say("state", data)
                    told = json.loads(data)
                    await send_some(ws, (told["state"], str(told.get("step"))))
                elif data[0] == 1:
                    count, dimensions, f, number, dropped, step, low, high, raw = frame_of(data)
                    shown = unsqueezed(f, dimensions, low, high, raw)
                    say("frame", step, count, dimensions, f, dropped, *(x.hex() for x in shown))
                else:
                    kind, first, count, _ = struct.unpack_from("<4I", data)
                    say("once", kind, first, count, data[16:].hex())
        except websockets.ConnectionClosed:
            pass


async def many(readers, idle, frames):
    """`readers` that take everything and `idle` that connect and never read, until each reader has so many frames; says how
    many each has."""
    got = [0] * readers
    sleepers = [handshake("websocket") for _ in range(idle)]
    say("idle", sum(answer.startswith(b"HTTP/1.1 101") for _, answer in sleepers))

    async def reader(i):
        async with viewer() as ws:
            try:
                async for data in ws:
                    got[i] += not isinstance(data, str) and data[0] == 1
            except websockets.ConnectionClosed:
                pass

    tasks = [asyncio.create_task(reader(i)) for i in range(readers)]
    while min(got) < frames and time.time() < BEGAN + 50:
        await asyncio.sleep(0.02)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for s, _ in sleepers:
        s.close()
    say("readers", *got)


def request(kind, **change):
    """A request as a browser sends it; a keyword with None leaves that header out."""
    fields = {"Host": f"{HOST}:{PORT}", "Origin": f"http://{HOST}:{PORT}"}
    if kind == "websocket":
        fields.update({"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                       "Sec-WebSocket-Protocol": "gpumm-live",
                       "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode()})
    path = change.pop("path", f"/{TOKEN}/" + ("socket" if kind == "websocket" else ""))
    for name, value in change.items():
        fields[name.replace("_", "-")] = value
    lines = [f"GET {path} HTTP/1.1"] + [f"{n}: {v}" for n, v in fields.items() if v is not None]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def said(text, seconds=5):
    """What the server answers to these bytes, until it closes or the headers are there; and the socket."""
    s = socket.create_connection((HOST, PORT), timeout=seconds)
    answer = b""
    try:
        s.sendall(text)
        while b"\r\n\r\n" not in answer:
            part = s.recv(65536)
            if not part:
                break
            answer += part
    except OSError as error:
        answer = answer or str(error).encode()
    return s, answer


def handshake(kind, **change):
    return said(request(kind, **change))


def first_line(pair):
    pair[0].close()
    line = pair[1].split(b"\r\n")[0].decode("latin-1")
    return line if line.startswith("HTTP/") else "closed"


def doors():
    """Who is let in, and who is not."""
    other = "f" * len(TOKEN)
    for name, kind, change in [
            ("page", "page", {}), ("no origin", "page", {"Origin": None}), ("localhost", "page", {
                "Host": f"localhost:{PORT}", "Origin": f"http://localhost:{PORT}"}),
            ("no token", "page", {"path": "/"}), ("other token", "page", {"path": f"/{other}/"}),
            ("other file", "page", {"path": f"/{TOKEN}/../x"}), ("no host", "page", {"Host": None}),
            ("other host", "page", {"Host": f"evil.example:{PORT}", "Origin": None}),
            ("viewer", "websocket", {}), ("viewer without origin", "websocket", {"Origin": None}),
            ("viewer's other token", "websocket", {"path": f"/{other}/socket"}),
            ("viewer's other path", "websocket", {"path": f"/{TOKEN}/"}),
            ("viewer of another site", "websocket", {"Origin": "http://evil.example"}),
            ("viewer by another name", "websocket", {"Host": f"evil.example:{PORT}",
                                                     "Origin": f"http://evil.example:{PORT}"}),
            ("viewer of another protocol", "websocket", {"Sec_WebSocket_Protocol": "chat"}),
            ("viewer of no protocol", "websocket", {"Sec_WebSocket_Protocol": None}),
            ("viewer without a key", "websocket", {"Sec_WebSocket_Key": None}),
            ("another upgrade", "websocket", {"Upgrade": "h2c"})]:
        say("door", name.replace(" ", "_"), first_line(handshake(kind, **change)))


def masked(opcode, payload, final=True, length=None, mask=True):
    """A frame of a client; `length` is what it says that it has."""
    n = len(payload) if length is None else length
    head = bytes([(128 if final else 0) | opcode])
    bit = 128 if mask else 0
    if n < 126:
        head += bytes([bit | n])
    elif n < 65536:
        head += bytes([bit | 126]) + struct.pack(">H", n)
    else:
        head += bytes([bit | 127]) + struct.pack(">Q", n)
    if not mask:
        return head + payload
    key = os.urandom(4)
    return head + key + bytes(b ^ key[i % 4] for i, b in enumerate(payload))


def is_closed(s):
    """Does the server end this connection?"""
    s.settimeout(15)
    got = b""
    try:
        while True:
            part = s.recv(1 << 16)
            got = (got + part)[-8:]
            if not part or b"\x88\x02" in got[-4:]:  # the end, or that this is the end
                return "closed"
    except ConnectionError:
        return "closed"
    except OSError:
        return "open"


def farewell(s):
    """Says that nothing more comes, and reads to the end: closing with something unread takes back what was sent."""
    s.shutdown(socket.SHUT_WR)
    try:
        while s.recv(1 << 16):
            pass
    except OSError:
        pass
    s.close()


def hostile():
    """Frames that no browser sends: the connection ends, or they do nothing. All at once, for an end has five seconds."""
    sent = []
    for name, data in [
            ("binary", masked(2, b"pause")), ("long", masked(1, b"x" * 300)), ("longer", masked(1, b"x" * 70000)),
            ("huge", masked(1, b"x" * 1000, length=1 << 62)), ("negative", masked(1, b"x", length=(1 << 64) - 1)),
            ("in_parts", masked(1, b"pau", final=False) + masked(0, b"se")),
            ("reserved_opcode", masked(3, b"x")), ("reserved_bits", bytes([0xf1]) + masked(1, b"go")[1:]),
            ("long_ping", masked(9, b"x" * 200)), ("continued", masked(0, b"go")), ("noise", bytes(range(7, 256)) * 16)]:
        s, answer = handshake("websocket")
        assert answer.startswith(b"HTTP/1.1 101"), answer
        try:
            s.sendall(data)
        except OSError:
            pass
        sent.append((name, s))
    for name, s in sent:
        say("hostile", name, is_closed(s))
        s.close()
    s, _ = handshake("websocket")
    words = ["", " ", "pause now", "step 0", "step -1", "step 1e3", "drag 0 1", "drag 99999999999 0 0", "drag 0 nan 0",
             "drag 0 1e99 0", "set x", "rate -1", "rate inf", "want f64", "tell", "tell os.exit", "tell a 1 2 3 4", "\0", "Pause"]
    for word in words:
        s.sendall(masked(1, word.encode()))
    s.sendall(masked(1, b"tell through 7"))
    say("words", len(words))
    farewell(s)
    for name, text in [("endless_header", b"GET / HTTP/1.1\r\nX: " + b"a" * 20000), ("noise", bytes(range(256)) * 12 + b"\r\n\r\n"),
                       ("post", b"POST /%s/ HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n" % TOKEN.encode())]:
        say("request", name, first_line(said(text, 15)).split(" ")[1:2] or "closed")


def flood():
    """More commands than hands send."""
    s, _ = handshake("websocket")
    try:
        for _ in range(400):
            s.sendall(masked(1, b"pick 0") * 20)
        say("flood", is_closed(s))
    except OSError:
        say("flood", "closed")


async def main(command, *arguments):
    if command == "watch":
        await watch(arguments[0], arguments[1:])
    elif command == "many":
        await many(*map(int, arguments))
    elif command == "hostile":
        doors()
        hostile()
        flood()
    say("done")


asyncio.run(main(*sys.argv[4:]))
