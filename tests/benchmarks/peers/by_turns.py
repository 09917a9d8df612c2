"""Ways to do the same work, timed by turns in one process, each held against the plain way beside it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any


def timed(ways: Mapping[str, Callable[[], Any]], turns: int) -> dict[str, dict[str, float]]:
    """Of each of the ``ways``, which have run before, seconds on the clock ("wall") and of all processors ("cpu"): the least, the
    median, and the ratios to the way that is called plain."""
    times: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for turn in range(turns):
        for way in list(ways) if turn % 2 else list(reversed(ways)):
            times[way].append(took(ways[way]))
    report = {}
    for way, runs in times.items():
        for part, clock in enumerate(("wall", "cpu")):
            values = [run[part] for run in runs]
            ratios = [run[part] / beside[part] for run, beside in zip(runs, times["plain"], strict=True)]
            report[f"{way} {clock}"] = {
                "least": min(values),
                "median": statistics.median(values),
                "ratio of the least": min(values) / min(run[part] for run in times["plain"]),
                "median ratio": statistics.median(ratios),
            }
    return report


def took(run: Callable[[], Any]) -> tuple[float, float]:
    wall, processors = time.perf_counter(), time.process_time()
    run()
    return time.perf_counter() - wall, time.process_time() - processors
