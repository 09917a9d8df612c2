"""Jobs side by side: the libraries' own threads are limited meanwhile, and only meanwhile."""

import threading
from contextlib import closing

import numpy
import pytest
from threadpoolctl import ThreadpoolController, threadpool_limits

from attnviz.attention.threads import in_threads, limit_blas

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
    with pytest.raises(ValueError, match="no"):
        list(in_threads(KINDS[kind](numpy.ones(1)), fails, range(8), most=4))
    assert limits() == before


@pytest.mark.parametrize("kind", KINDS)
def test_whoever_stops_listening_leaves_the_limits_as_they_were(kind):
    before = limits()
    with closing(in_threads(KINDS[kind](numpy.ones(1)), works, range(8), most=4)) as running:
        next(running)
    assert limits() == before


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
        running.throw(KeyboardInterrupt)

    running = in_threads(numpy.ones(1), work, range(2), most=2)
    next(running)
    with pytest.raises(KeyboardInterrupt):
        stop()
    assert len(steps) <= 1


def test_a_lower_limit_stays():
    with threadpool_limits(1, "blas"):
        with limit_blas(4):
            assert set(blas_threads()) <= {1}
        assert set(blas_threads()) <= {1}
