# SPDX-License-Identifier: MIT
"""The reader of python_reader.lua: attaches to what it shares, and prints the middle of the points in its newest frame.

Needs the module gpumm (python/gpumm.py of the sources, share/gpumm/python of an installation) in PYTHONPATH, libgpumm.so, and NumPy,
or on a GPU CuPy or PyTorch."""
import sys

import gpumm

with gpumm.attach(sys.argv[1]) as share:
    frame = share.frames("watch").wait()
    positions = frame["position"]  # an array of the memory itself
    middle = positions.mean(0)
    print(f"Python: {len(positions)} points of step {frame.step}, around {float(middle[0]):.4f}, {float(middle[1]):.4f}")
    frame.release()
