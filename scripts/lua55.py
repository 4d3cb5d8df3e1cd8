#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compiles every Lua file with Lua 5.5, where a loop's first variable is a constant and `global` declares: all of them are
valid in 5.4 and in 5.5. Lua 5.5 is that of the PyPI package lupa.
    scripts/lua55.py          prints what does not compile, and fails where there is something
"""
import pathlib
import sys

import lupa.lua55

root = pathlib.Path(__file__).resolve().parent.parent
lua = lupa.lua55.LuaRuntime(encoding=None)
message_of = lua.eval(b'function(text, name) return (select(2, load(text, name, "t"))) or "" end')
paths = [path for folder in ("lua", "library", "examples", "spec", "scripts") for path in sorted((root / folder).rglob("*.lua"))]
messages = [message_of(path.read_bytes(), f"@{path.relative_to(root)}".encode()) for path in paths]
wrong = [message.decode() for message in messages if message]
print("\n".join(wrong) if wrong else f"{len(paths)} files are Lua 5.5")
sys.exit(1 if wrong else 0)
