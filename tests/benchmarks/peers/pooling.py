"""One head's map of 1,024 × 1,024 cells, timed in a process of its own: pooling.py ENGINE TOKENS DIMENSION [causal].

Prints the seconds it took (the median of three, inputs ready, libraries warm) and the mebibytes it took beyond them.
"""

import json
import resource
import statistics
import sys
import time

import torch

CELLS = 1024


def main(engine, tokens, dimension, causal):
    torch.manual_seed(0)
    query, key = (torch.randn(1, tokens, dimension) for _ in range(2))
    work = {"plain": plain, "attnviz-torch": attnviz_torch, "attnviz-numpy": attnviz_numpy}[engine]
    work(query[:, :CELLS], key[:, :CELLS], causal)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times = [timed(work, query, key, causal) for _ in range(1 if tokens > 1 << 16 else 3)]
    mebibytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(json.dumps({"seconds": statistics.median(times), "mebibytes": mebibytes}))


def timed(work, *arguments):
    began = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - began


def plain(query, key, causal):
    """As a person writes it: all weights, then pooled."""
    scores = query[0] @ key[0].T / query.shape[-1] ** 0.5
    if causal:
        scores = scores.masked_fill(torch.ones_like(scores, dtype=torch.bool).triu(1), float("-inf"))
    cells = torch.softmax(scores, dim=-1).view(CELLS, -1, CELLS, query.shape[1] // CELLS)
    return cells.mean((1, 3)), cells.amax((1, 3))


def attnviz_torch(query, key, causal):
    from attnviz import Rule
    from attnviz.pooling.pool import pool_arrays

    return pool_arrays(query, key, Rule(causal=causal), cells=CELLS)


def attnviz_numpy(query, key, causal):
    return attnviz_torch(query.numpy(), key.numpy(), causal)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), "causal" in sys.argv)
