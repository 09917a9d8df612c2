"""The engine that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from attnviz.corpora.choices import Engine
from attnviz.corpora.engines.dispatch import Results, Told, dispatched
from attnviz.corpora.engines.serial import in_this_process
from attnviz.corpora.shards import Shard
from attnviz.corpora.work import Work, require_sendable

Measure = Callable[[Work, Iterator[Shard | None], Told], Results]


def engine_of(engine: Engine, workers: int | None, address: str | None, gpus: float) -> Measure:
    """What measures the shards of a work.

    workers  how many; None: this process alone, or as many actors as a cluster has room for
    address, gpus   of a Ray cluster
    """
    match engine:
        case Engine.LOCAL:
            return in_this_process if workers in (None, 1) else partial(by_processes, workers or 1)
        case Engine.RAY:
            return partial(by_ray, workers, address, gpus)


def by_processes(workers: int, work: Work, shards: Iterator[Shard | None], told: Told) -> Results:
    """Measured by so many processes."""
    from attnviz.corpora.engines.processes import Processes

    require_sendable(work)
    return dispatched(Processes(work, workers), shards, told)


def by_ray(
    workers: int | None, address: str | None, gpus: float, work: Work, shards: Iterator[Shard | None], told: Told
) -> Results:
    """Measured by the actors of a Ray cluster."""
    from attnviz.corpora.engines.ray_workers import RayWorkers

    require_sendable(work)
    return dispatched(RayWorkers(work, workers, address, gpus), shards, told)
