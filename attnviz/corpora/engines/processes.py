"""Worker processes on this machine, each with a model of its own and its share of the processors."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import IO

from attnviz.attention.threads import processors
from attnviz.corpora.engines.process_child import read, write
from attnviz.corpora.engines.stillness import HANGS, STILL
from attnviz.corpora.engines.workers import Done, Event, Failed, Gone, Placed, Ready
from attnviz.corpora.shards import Shard
from attnviz.corpora.work import Work
from attnviz.errors import AttnvizError
from attnviz.text.message import Message

PROGRAM = "attnviz.corpora.engines.process_child"
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
SAID = 200  # characters of a worker's last line


class Processes:
    """Such workers. They are programs of their own, and no copies of this process: a script that calls attnviz needs no guard
    around it, and the threads of torch are never torn apart. Weights that safetensors maps are the same pages in all of them.
    """

    def __init__(self, work: Work, count_: int) -> None:
        self.work, self.count = work, count_
        self.threads = max(1, processors() // count_)
        self._numbers = count()
        self._events: queue.Queue[Event] = queue.Queue()
        self._workers: dict[int, subprocess.Popen[bytes]] = {}

    def start(self) -> int:
        number = next(self._numbers)
        said = tempfile.TemporaryFile()  # noqa: SIM115  (closed by the thread that watches the worker)
        self._workers[number] = worker = subprocess.Popen(
            [sys.executable, "-P", "-m", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            env=self._environment(),
            start_new_session=True,  # Ctrl-C in a terminal is this process's alone
        )
        threading.Thread(target=self._watch, args=(number, worker, said), daemon=True).start()
        self._events.put(Placed(number))
        self._send(number, (self.work, self.threads))
        return number

    def give(self, worker: int, shard: Shard) -> None:
        self._send(worker, shard)

    def wait(self, seconds: float) -> list[Event]:
        events = []
        with suppress(queue.Empty):
            events.append(self._events.get(timeout=seconds))
            while True:
                events.append(self._events.get_nowait())
        return events

    def close(self) -> None:
        for worker in self._workers.values():
            worker.kill()
        for worker in self._workers.values():
            worker.wait()
            with suppress(OSError):  # what was not taken
                worker.stdin.close()  # type: ignore[union-attr]  # a pipe

    def too_few(self, seconds: float) -> AttnvizError:
        return AttnvizError("for {seconds:.0f} seconds no worker could be started", seconds=seconds)

    def _send(self, worker: int, what: object) -> None:
        with suppress(OSError):  # it has ended: the thread that watches it says so
            write(self._workers[worker].stdin, what)  # type: ignore[arg-type]  # a pipe

    def _environment(self) -> dict[str, str]:
        """Where a worker finds attnviz and what it needs, and how many threads it takes."""
        paths = [str(Path(__file__).parents[3]), *(path for path in sys.path if path)]
        limits = dict.fromkeys(THREADS, str(self.threads))
        return {**os.environ, **limits, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}

    def _watch(self, number: int, worker: subprocess.Popen[bytes], said: IO[bytes]) -> None:
        """Report what a worker answers, and that it has ended."""
        failed = False
        with said, worker.stdout as answers:  # type: ignore[union-attr]  # a pipe
            try:
                while True:
                    match read(answers):
                        case "ready", _:
                            self._events.put(Ready(number))
                        case "done", content:
                            self._events.put(Done(number, content))
                        case _, error:
                            failed = True
                            self._events.put(Failed(number, error))
            except EOFError:
                pass
            except Exception as error:  # an answer that cannot be read: the run must not wait for another
                failed = True
                self._events.put(Failed(number, error))
            code = worker.wait()
            if not failed:
                self._events.put(Gone(number, _why(code, said)))


def _why(code: int, said: IO[bytes]) -> Message:
    """What is known of a process that has ended: the signal, or the last line that it wrote."""
    if code == -signal.SIGKILL:
        return Message("killed, perhaps for want of memory")
    if code == HANGS:
        return Message("it hangs: for {minutes:.0f} minutes it has computed nothing", minutes=STILL / 60)
    if code < 0:
        return Message("ended by {signal}", signal=signal.Signals(-code).name)
    said.seek(0)
    lines = said.read().decode(errors="replace").strip().splitlines()
    return Message("exit code {code}: {line}", code=code, line=lines[-1][-SAID:] if lines else "-")
