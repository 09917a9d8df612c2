"""Jobs side by side: the libraries' own threads are limited meanwhile, and only meanwhile."""

import contextlib
import threading
import time

import numpy
import pytest
from threadpoolctl import ThreadpoolController, threadpool_limits

from attnviz.attention import threads
from attnviz.attention.threads import Stopped, end_if_stopped, limit_blas, numpy_threads, side_by_side

torch = pytest.importorskip("torch")

KINDS = {"numpy": numpy.asarray, "torch": torch.as_tensor}


def blas_threads():
    return [library["num_threads"] for library in ThreadpoolController().select(user_api="blas").info()]


def limits():
    return blas_threads(), torch.get_num_threads(), threading.active_count()


def fails(job):
    yield
    if job == 3:
        raise ValueError("no")


def works(_):
    yield


@pytest.mark.parametrize("kind", KINDS)
def test_a_failing_job_leaves_the_limits_as_they_were(kind):
    before = limits()
    with pytest.raises(ValueError, match="no"), side_by_side(KINDS[kind](numpy.ones(1)), fails, range(8), 4) as results:
        list(results)
    assert limits() == before


@pytest.mark.parametrize("kind", KINDS)
def test_whoever_stops_listening_leaves_the_limits_as_they_were(kind):
    before = limits()
    with side_by_side(KINDS[kind](numpy.ones(1)), works, range(8), most=4) as results:
        next(results)
    assert limits() == before


def test_a_thread_whose_start_is_interrupted_is_waited_for_too(monkeypatch):
    """Ctrl-C between the start of a thread and what the executor notes of it."""
    start, begun, ended, before = threading.Thread.start, threading.Event(), [], limits()

    def interrupted(thread):
        start(thread)
        begun.wait(30)
        raise KeyboardInterrupt

    def work(job):
        begun.set()
        time.sleep(0.1)
        ended.append(job)
        yield

    array = torch.ones(1)
    monkeypatch.setattr(threading.Thread, "start", interrupted)
    monkeypatch.setattr(threads, "_torch_threads", lambda: 2)
    with pytest.raises(KeyboardInterrupt), side_by_side(array, work, range(8), most=2) as results:
        next(results)
    assert ended == [0]
    assert limits() == before


def test_a_job_that_cannot_yield_ends_where_it_asks(monkeypatch):
    monkeypatch.setattr(threads, "_torch_threads", lambda: 2)
    asked, ended, first = threading.Event(), [], threading.Event()

    def work(job):
        if job == 0:
            asked.wait(30)
            yield job
            return
        try:
            asked.set()
            first.wait(30)  # the block ends meanwhile
            while True:
                end_if_stopped()
        except Exception:  # as whoever is called by it may
            ended.append("caught")
        except BaseException as stop:
            ended.append(type(stop))
            raise
        yield job

    with side_by_side(torch.ones(1), work, range(2), most=2) as results:
        assert next(results) == 0
        first.set()
    assert ended == [Stopped]


def test_nothing_ends_that_nobody_has_stopped():
    end_if_stopped()  # no job runs here
    with side_by_side(numpy.ones(1), lambda job: iter((end_if_stopped() or job,)), range(8), most=4) as results:
        assert list(results) == [*range(8)]
    end_if_stopped()


def test_no_step_is_done_once_it_is_closed():
    begun, closed, steps = threading.Event(), threading.Event(), []

    def work(job):
        if job == 0:
            return
        begun.set()
        for step in range(1000):
            closed.wait()
            steps.append(step)
            yield

    def stop():
        begun.wait()
        threading.Timer(0.2, closed.set).start()
        raise KeyboardInterrupt

    with contextlib.suppress(KeyboardInterrupt), side_by_side(numpy.ones(1), work, range(2), most=2) as results:
        next(results)
        stop()
    assert steps
    assert len(steps) <= 1


@pytest.mark.parametrize("jobs", [0, 1, 5])
@pytest.mark.parametrize("kind", KINDS)
def test_results_come_in_the_order_of_the_jobs(kind, jobs):
    def work(job):
        yield None
        yield job * job

    with side_by_side(KINDS[kind](numpy.ones(1)), work, range(jobs), most=4) as results:
        assert list(results) == [job * job for job in range(jobs)]


def test_threads_of_numpy_leave_its_products_one_each():
    before = limits()
    with numpy_threads(2) as executor:
        assert list(executor.map(lambda _: set(blas_threads()) <= {1}, range(4))) == [True] * 4
    assert limits() == before


def test_a_lower_limit_stays():
    with threadpool_limits(1, "blas"):
        with limit_blas(4):
            assert set(blas_threads()) <= {1}
        assert set(blas_threads()) <= {1}


def test_a_process_that_shares_its_processors_uses_no_more_than_its_share(monkeypatch):
    import torch

    from attnviz.attention import threads

    limits = []
    monkeypatch.setattr(threads, "_most", None)
    monkeypatch.setattr(threads, "bounded", lambda: False)
    monkeypatch.setattr(torch, "set_num_threads", limits.append)
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    assert threads.processors() == 8
    threads.limit_processors(3)
    assert (threads.processors(), limits) == (3, [3])
    threads.limit_processors(99)
    assert threads.processors() == 8
