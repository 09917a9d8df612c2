"""Workers on the machines of a Ray cluster, each an actor that holds the model.

These are plain actors, and no Ray Data. That was tried with Ray 2.60: killed workers and a node that goes are recovered, and a block
comes back within 0.3 s. But a block that kills its actor is done again for ever, and an end to that (max_task_retries) fails the run when a node
goes; it waits without end when no node is left, and where actors hold all processors and a task reads; and a driver can hand it no texts that
are still to come. To count, to watch and to feed it, one would build the loop that serves processes (dispatch.py) around it once more: here that
loop serves actors as well. One shard is at each, what it makes is kept at once, and one that ends is counted.
"""

from __future__ import annotations

import os
import socket
import time
from itertools import count
from typing import Any

from attnviz.attention.memory import lacks_memory
from attnviz.corpora.engines.ray_actor import Measurer
from attnviz.corpora.engines.workers import Done, Event, Failed, Gone, Placed, Ready
from attnviz.corpora.shards import Shard
from attnviz.corpora.work import Work
from attnviz.errors import AttnvizError
from attnviz.text.message import Message

MOST_PROCESSORS = 4  # of a worker without an accelerator: beyond these, more workers are faster than larger ones
LOCAL = "local"  # Ray's word for a cluster that begins on this machine, whatever others there are
CONNECTED = 20  # seconds in which an address answers
WAITING = 0.05  # seconds between looks, where nothing was asked of any actor


class RayWorkers:
    """Such workers.

    address  of the cluster ("auto", "10.0.0.1:6379", "ray://…"); None: RAY_ADDRESS, or a cluster of this machine alone
    count    how many; None: as many as the cluster has room for
    gpus     accelerators for each, or a part of one
    """

    def __init__(self, work: Work, count_: int | None, address: str | None, gpus: float) -> None:
        self.ray = _ray()
        self._began = not self.ray.is_initialized()
        if self._began:
            _connect(self.ray, address)
        try:
            self.processors = _processors_each(self.ray.nodes(), count_, gpus)
            self.count = count_ or _room(self.ray.nodes(), self.processors, gpus)
            self.gpus = gpus
            self._work = self.ray.put(work)
        except BaseException:
            self.close()
            raise
        self._numbers = count()
        self._actors: dict[int, Any] = {}
        self._asked: dict[
            Any, tuple[int, str]
        ] = {}  # what is under way: by its reference the worker, and what it was asked

    def start(self) -> int:
        number = next(self._numbers)
        kind = self.ray.remote(num_cpus=self.processors, num_gpus=self.gpus, max_restarts=0)(Measurer)
        self._actors[number] = kind.remote(self._work, self.processors)
        self._ask(number, "place")
        return number

    def give(self, worker: int, shard: Shard) -> None:
        self._ask(worker, "measure", shard)

    def wait(self, seconds: float) -> list[Event]:
        if not self._asked:
            time.sleep(min(seconds, WAITING))
            return []
        ready, _ = self.ray.wait(list(self._asked), timeout=seconds)
        return [self._event(reference) for reference in ready]

    def close(self) -> None:
        for actor in getattr(self, "_actors", {}).values():
            self.ray.kill(actor)
        if self._began:
            self.ray.shutdown()

    def too_few(self, seconds: float) -> AttnvizError:
        return AttnvizError(
            "for {seconds:.0f} seconds the Ray cluster has had no room for a worker, which takes {processors} processors and {gpus:g} accelerators",
            "start more nodes (ray start --address …), or ask for less with --gpus-per-worker",
            seconds=seconds,
            processors=self.processors,
            gpus=self.gpus,
        )

    def _ask(self, worker: int, what: str, *given: Any) -> None:
        self._asked[getattr(self._actors[worker], what).remote(*given)] = worker, what

    def _event(self, reference: Any) -> Event:
        worker, what = self._asked.pop(reference)
        try:
            answer = self.ray.get(reference)
        except self.ray.exceptions.RayTaskError as error:  # what the actor raised
            if not lacks_memory(error.cause):
                return Failed(worker, error.cause)
            self.ray.kill(self._actors.pop(worker))
            return Gone(worker, _first_line(error.cause))
        except self.ray.exceptions.RayError as error:  # the actor, or its node, is no more
            del self._actors[worker]
            return Gone(worker, _first_line(error))
        if what == "place":
            self._ask(worker, "load")
            return Placed(worker)
        return Ready(worker) if what == "load" else Done(worker, answer)


def _ray() -> Any:
    try:
        import ray
        import ray.exceptions
    except ImportError:
        raise AttnvizError("--engine ray needs Ray, which is not installed", "pip install 'attnviz[cluster]'") from None
    return ray


def _connect(ray: Any, address: str | None) -> None:
    """Join the cluster at ``address``, or begin one on this machine.

    Asked for no address, Ray would join whatever cluster it finds among the processes of this machine, somebody else's too.
    """
    address = address or os.environ.get("RAY_ADDRESS") or LOCAL
    try:
        _require_answer(address)
        ray.init(
            address=address,
            log_to_driver=False,
            logging_level="critical",
            include_dashboard=False if address == LOCAL else None,
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise AttnvizError(
            "the Ray cluster {address} cannot be reached: {why}",
            "start it with ray start --head, and give the address that it prints",
            address=address,
            why=_first_line(error),
        ) from None


def _require_answer(address: str) -> None:
    """Raise OSError where nothing answers at the host and port of ``address``: Ray would try for many minutes."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), CONNECTED).close()


def _alive(nodes: list[dict[str, Any]]) -> list[dict[str, float]]:
    """What each node has that is there."""
    return [node["Resources"] for node in nodes if node["Alive"]]


def _processors_each(nodes: list[dict[str, Any]], count_: int | None, gpus: float) -> int:
    """How many processors a worker takes: no more than the smallest node has, and no more than leave room for all."""
    there = [int(has.get("CPU", 0)) for has in _alive(nodes) if has.get("CPU", 0) >= 1 and has.get("GPU", 0) >= gpus]
    if not there:
        return 1
    return max(1, min(MOST_PROCESSORS, *there, sum(there) // (count_ or 1)))


def _room(nodes: list[dict[str, Any]], processors: int, gpus: float) -> int:
    """How many workers the cluster has room for: one at least, for more nodes may come."""
    rooms = []
    for has in _alive(nodes):
        by_processors = has.get("CPU", 0) // processors
        rooms.append(int(min(by_processors, has.get("GPU", 0) // gpus) if gpus else by_processors))
    return max(1, sum(rooms))


def _first_line(error: BaseException) -> Message:
    """What a library says at length, in one line."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return Message(lines[0][:200])
