"""The engine that is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from attnviz.corpora.choices import Engine
from attnviz.corpora.engines.dispatch import Results, Told, dispatched
from attnviz.corpora.engines.serial import in_this_process
from attnviz.corpora.job import Job
from attnviz.corpora.shards import Shard

Measure = Callable[[Job, Iterator[Shard], Told], Results]


def engine_of(engine: Engine, workers: int | None, address: str | None, gpus: float) -> Measure:
    """What measures the shards of a job.

    workers  how many; None: this process alone, or as many actors as a cluster has room for
    address, gpus   of a Ray cluster
    """
    match engine:
        case Engine.LOCAL:
            return in_this_process if workers in (None, 1) else partial(by_processes, workers or 1)
        case Engine.RAY:
            return partial(by_ray, workers, address, gpus)


def by_processes(workers: int, job: Job, shards: Iterator[Shard], told: Told) -> Results:
    """Measured by so many processes."""
    from attnviz.corpora.engines.processes import Processes

    return dispatched(Processes(job, workers), shards, told)


def by_ray(
    workers: int | None, address: str | None, gpus: float, job: Job, shards: Iterator[Shard], told: Told
) -> Results:
    """Measured by the actors of a Ray cluster."""
    from attnviz.corpora.engines.ray_workers import RayWorkers

    return dispatched(RayWorkers(job, workers, address, gpus), shards, told)
