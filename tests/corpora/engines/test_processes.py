"""Worker processes: what they find, what they leave, and what happens when they are killed."""

from __future__ import annotations

import io
import os
import signal
import time

import pytest
from corpora import TINY, assert_same, corpus, one_pass

from attnviz.corpora.choices import Engine
from attnviz.corpora.engines import processes
from attnviz.corpora.engines.chosen import engine_of
from attnviz.corpora.engines.dispatch import dispatched
from attnviz.corpora.engines.processes import Processes
from attnviz.corpora.engines.stillness import HANGS
from attnviz.corpora.engines.workers import Done, Gone, Placed, Ready
from attnviz.corpora.job import Job
from attnviz.corpora.run import run
from attnviz.corpora.shards import shards
from attnviz.errors import AttnvizError


def events(workers, kind, seconds=60.0):
    """What comes until one of ``kind`` does."""
    end, come = time.monotonic() + seconds, []
    while not any(isinstance(event, kind) for event in come):
        assert time.monotonic() < end
        come += workers.wait(0.1)
    return come


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def pids(workers):
    return [worker.pid for worker in workers._workers.values()]


def test_they_report_their_place_the_model_and_each_shard():
    workers = Processes(TINY, 1)
    number = workers.start()
    assert [type(event) for event in events(workers, Ready)] == [Placed, Ready]
    workers.give(number, next(shards(corpus(2))))
    (done,) = events(workers, Done)
    assert done.worker == number
    (pid,) = pids(workers)
    workers.close()
    assert not alive(pid)


@pytest.mark.parametrize(
    ("number", "why"), [(signal.SIGKILL, "killed, perhaps for want of memory"), (signal.SIGSEGV, "ended by SIGSEGV")]
)
def test_one_that_is_killed_is_gone(number, why):
    workers = Processes(TINY, 1)
    workers.start()
    events(workers, Ready)
    os.kill(pids(workers)[0], number)
    assert events(workers, Gone)[-1].why == why
    workers.close()


def test_one_that_hangs_says_so():
    assert processes._why(HANGS, io.BytesIO()) == "it hangs: for 10 minutes it has computed nothing"


def test_an_answer_that_cannot_be_read_ends_the_run(monkeypatch):
    """The run would wait for the next one for ever."""

    def unreadable(_):
        raise TypeError("no such class")

    monkeypatch.setattr(processes, "read", unreadable)
    with pytest.raises(TypeError, match="no such class"):
        list(dispatched(Processes(TINY, 1), shards(corpus(2))))


def test_one_that_cannot_start_says_its_last_line(monkeypatch):
    monkeypatch.setattr(processes, "PROGRAM", "attnviz.nothing")
    with pytest.raises(AttnvizError, match=r"3 workers in a row.*exit code 1: .*No module named attnviz\.nothing"):
        list(dispatched(Processes(TINY, 1), shards(corpus(2))))


@pytest.mark.slow
def test_an_interrupt_does_not_reach_them():
    workers = Processes(TINY, 1)
    number = workers.start()
    events(workers, Ready)
    os.kill(pids(workers)[0], signal.SIGINT)
    workers.give(number, next(shards(corpus(2))))
    events(workers, Done)
    workers.close()


def test_the_threads_are_shared_out(monkeypatch):
    monkeypatch.setattr(processes, "processors", lambda: 8)
    assert [Processes(TINY, count).threads for count in (1, 3, 9)] == [8, 2, 1]


@pytest.mark.slow
def test_what_is_wrong_with_the_job_is_told_once():
    with pytest.raises(AttnvizError, match="99"):
        run(Job(model="tiny", layer=("99",)), corpus(9), engine_of(Engine.LOCAL, 2, None, 0), size=2)


def test_for_long_without_a_place():
    assert "no worker could be started" in str(Processes(TINY, 1).too_few(3))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_a_random_worker_killed_after_every_second_shard_changes_nothing(seed):
    """Equal to one pass to 1e-12, and at most one shard a kill is done twice."""
    import random

    drawn, texts, given, kills = random.Random(seed), corpus(60, seed), [], 0
    workers = Processes(TINY, 2)
    give = workers.give
    workers.give = lambda worker, shard: (given.append(shard.number), give(worker, shard))

    def engine(job, some, told):  # noqa: ARG001
        nonlocal kills
        for count, done in enumerate(dispatched(workers, some), start=1):
            yield done
            if count % 2 == 0:
                living = [worker for worker in workers._workers.values() if worker.poll() is None]
                drawn.choice(living).kill()
                kills += 1

    found = run(TINY, texts, engine, size=5)
    assert_same(found, one_pass(texts))
    assert kills >= 5
    assert len(given) - 12 <= kills


@pytest.mark.slow
def test_they_end_when_the_run_itself_is_killed(tmp_path):
    """Nobody waits for them any more."""
    import subprocess
    import sys

    script = (
        "import sys, time\nsys.path.insert(0, sys.argv[1])\nfrom corpora import TINY\n"
        "from attnviz.corpora.engines.processes import Processes\n"
        "workers = Processes(TINY, 2)\n[workers.start() for _ in range(2)]\n"
        "print(*(w.pid for w in workers._workers.values()), flush=True)\ntime.sleep(60)\n"
    )
    folder = os.path.dirname(os.path.abspath(sys.modules["corpora"].__file__))
    started = subprocess.Popen([sys.executable, "-c", script, folder], stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    left = [int(pid) for pid in started.stdout.readline().split()]
    started.kill()
    started.wait()
    started.stdout.close()
    end = time.monotonic() + 60
    while any(alive(pid) for pid in left):
        assert time.monotonic() < end
        time.sleep(0.1)
