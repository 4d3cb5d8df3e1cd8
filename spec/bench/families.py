# SPDX-License-Identifier: MIT
"""Layouts of the graphs in a folder (families.lua wrote them) beside sfdp's and igraph's, as a table.

    families.py FOLDER [--threads 2]

FOLDER has NAME.edges (the number of nodes, then two nodes from 0 a line) and NAME.METHOD.at (positions, a node a line;
seconds in the first, behind a #). Methods are what there is, and sfdp (Graphviz) and igraph's DrL where they are installed.
Needs numpy and scipy. A row: stress, 1-hop, 2-hop, crossings, nodes nearly on one spot (%), seconds.
"""
import argparse
import collections
import glob
import os
import subprocess
import time

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

MEASURES = ("stress", "1-hop", "2-hop", "crossings", "close %", "seconds")


def read_graph(path):
    with open(path, encoding="ascii") as file:
        n = int(file.readline())
        ends = np.array(file.read().split(), dtype=np.int64).reshape(-1, 2)
    ones = np.ones(2 * len(ends))
    a = coo_matrix((ones, (np.r_[ends[:, 0], ends[:, 1]], np.r_[ends[:, 1], ends[:, 0]])), shape=(n, n)).tocsr()
    a.data[:] = 1
    return n, ends, a


def stress(a, x, most=400):
    n = len(x)
    pivots = np.arange(n) if n <= most else np.random.default_rng(42).choice(n, most, replace=False)
    d = dijkstra(a, unweighted=True, indices=pivots)
    length = np.sqrt(((x[pivots][:, None, :] - x[None, :, :]) ** 2).sum(-1))
    there = (d > 0) & np.isfinite(d)
    r = length[there] / d[there]
    return 1 - r.sum() ** 2 / (len(r) * (r * r).sum()) if len(r) and (r * r).sum() > 0 else 0.0


def kept(a, x, most=1000):
    n = len(x)
    tree = cKDTree(x + 1e-9 * x.std() * np.random.default_rng(0).standard_normal(x.shape))
    nodes = np.arange(n) if n <= most else np.random.default_rng(1).choice(n, most, replace=False)
    means = []
    for m in (a, (a @ a + a).tocsr()):
        values = []
        for i in nodes:
            near = set(m.indices[m.indptr[i]:m.indptr[i + 1]].tolist()) - {i}
            if near:
                found = set(np.atleast_1d(tree.query(x[i], min(n, len(near) + 1))[1]).tolist()) - {i}
                both = len(near & found)
                values.append(both / (2 * len(near) - both))
        means.append(float(np.mean(values)) if values else 1.0)
    return means


def side(a, b, c):
    return (b[..., 0] - a[..., 0]) * (c[..., 1] - a[..., 1]) - (b[..., 1] - a[..., 1]) * (c[..., 0] - a[..., 0])


def crossings(ends, x, most=6000):
    m = len(ends)
    if x.shape[1] != 2 or m < 2:
        return 0
    chosen = ends if m <= most else ends[np.random.default_rng(2).choice(m, most, replace=False)]
    c, d, count = x[chosen[:, 0]], x[chosen[:, 1]], 0
    for e, (i, j) in enumerate(chosen):
        a, b, k, l = x[i], x[j], chosen[:e, 0], chosen[:e, 1]
        apart = (k != i) & (k != j) & (l != i) & (l != j)
        hit = (side(a, b, c[:e]) * side(a, b, d[:e]) < 0) & (side(c[:e], d[:e], a) * side(c[:e], d[:e], b) < 0)
        count += int((hit & apart).sum())
    return round(count * (m * (m - 1)) / (len(chosen) * (len(chosen) - 1)))


def close(x):
    if len(x) < 2:
        return 0.0
    nearest = cKDTree(x).query(x, 2)[0][:, 1]
    return 100 * float(((nearest < 0.05 * np.median(nearest)) | (nearest == 0)).mean())


def read_layout(path):
    with open(path, encoding="ascii") as file:
        seconds = float(file.readline()[1:])
    return np.loadtxt(path, ndmin=2), seconds


def by_sfdp(n, ends):
    text = "graph {" + ";".join(map(str, range(n))) + ";" + ";".join(f"{i}--{j}" for i, j in ends) + "}"
    began = time.perf_counter()
    done = subprocess.run(["sfdp", "-Tplain", "-Goverlap=true"], input=text, capture_output=True, text=True, timeout=600, check=True)
    seconds, x = time.perf_counter() - began, np.zeros((n, 2))
    for line in done.stdout.splitlines():
        words = line.split()
        if words[0] == "node":
            x[int(words[1])] = float(words[2]), float(words[3])
    return x, seconds


def by_igraph(n, ends):
    import igraph

    g = igraph.Graph(n, ends.tolist())
    began = time.perf_counter()
    x = np.array(g.layout_drl().coords) if n > 100 else np.array(g.layout_kamada_kawai().coords)
    return x, time.perf_counter() - began


def layouts(folder, name, n, ends):
    for path in sorted(glob.glob(os.path.join(glob.escape(folder), name + ".*.at"))):
        yield os.path.basename(path)[len(name) + 1:-3], *read_layout(path)
    for method, of in (("sfdp", by_sfdp), ("igraph", by_igraph)):
        try:
            yield method, *of(n, ends)
        except (ImportError, OSError, subprocess.SubprocessError) as error:
            print(f"{name}: no layout by {method}: {error}", flush=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("folder")
    p.add_argument("--threads", type=int, default=2)
    o = p.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:o.threads])
    sums = collections.defaultdict(list)
    print(f"{'family':18s} {'nodes':>6s} {'edges':>6s} {'method':10s} " + " ".join(f"{m:>9s}" for m in MEASURES))
    for path in sorted(glob.glob(os.path.join(glob.escape(o.folder), "*.edges"))):
        name = os.path.basename(path)[:-6]
        n, ends, a = read_graph(path)
        for method, x, seconds in layouts(o.folder, name, n, ends):
            row = (stress(a, x), *kept(a, x), crossings(ends, x), close(x), seconds)
            sums[method].append(row)
            print(f"{name:18s} {n:6d} {len(ends):6d} {method:10s} " + " ".join(f"{v:9.4g}" for v in row), flush=True)
    for method, rows in sums.items():
        print(f"{'mean of ' + str(len(rows)):32s} {method:10s} " + " ".join(f"{v:9.4g}" for v in np.mean(rows, axis=0)))


main()
