#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The two large graphs of force_bench.lua, which need NumPy and SciPy to be made in seconds:

    python3 spec/bench/force_graphs.py FOLDER
    gpumm-run spec/bench/force_bench.lua --graphs FOLDER

geometric: 2^20 points of the unit square, by chance, with an edge between those that are so near that a point has 8 neighbours
on average. rmat: 2^24 edges over 2^20 numbers, by R-MAT's quarters (.57, .19, .19, .05), without loops and duplicates, numbers
and edges in a random order. Nodes without an edge are left out. Of each, NAME.from and NAME.to hold one u32 an edge, the node's
number from 1, and NAME.nodes how many nodes there are.
"""
import sys

import numpy as np
from scipy.spatial import cKDTree

SCALE = 20


def write(folder, name, edges):
    used, ends = np.unique(edges, return_inverse=True)
    ends = (ends.reshape(edges.shape) + 1).astype(np.uint32)
    ends[:, 0].tofile(f"{folder}/{name}.from")
    ends[:, 1].tofile(f"{folder}/{name}.to")
    with open(f"{folder}/{name}.nodes", "w", encoding="ascii") as file:
        file.write(str(len(used)))
    print(f"{name}: {len(used)} nodes, {len(ends)} edges", flush=True)


def geometric(chance):
    points = chance.random((1 << SCALE, 2))
    return cKDTree(points).query_pairs(np.sqrt(8 / (np.pi * (1 << SCALE))), output_type="ndarray")


def rmat(chance):
    count = 1 << (SCALE + 4)
    row, column = np.zeros(count, np.int64), np.zeros(count, np.int64)
    for _ in range(SCALE):
        quarter = chance.random(count)
        row = 2 * row + (quarter >= 0.76)
        column = 2 * column + (((quarter >= 0.57) & (quarter < 0.76)) | (quarter >= 0.95))
    lesser, greater = np.minimum(row, column), np.maximum(row, column)
    keys = np.unique((lesser << SCALE | greater)[lesser != greater])
    mixed = chance.permutation(1 << SCALE)
    edges = np.stack([mixed[keys >> SCALE], mixed[keys & ((1 << SCALE) - 1)]], 1)
    chance.shuffle(edges)
    return edges


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: force_graphs.py FOLDER")
    chance = np.random.default_rng(1)
    write(sys.argv[1], "geometric", geometric(chance))
    write(sys.argv[1], "rmat", rmat(chance))


main()
