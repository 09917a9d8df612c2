"""Which engine is asked for."""

from __future__ import annotations

from functools import partial

import pytest
from corpora import TINY, assert_same, corpus, one_pass

from attnviz.corpora.choices import Engine
from attnviz.corpora.engines import chosen, processes, ray_workers
from attnviz.corpora.engines.chosen import by_processes, by_ray, engine_of
from attnviz.corpora.engines.serial import in_this_process
from attnviz.corpora.run import run


@pytest.mark.parametrize("workers", [None, 1])
def test_one_worker_on_this_machine_is_this_process(workers):
    engine = engine_of(Engine.LOCAL, workers, None, 0)
    assert engine is in_this_process
    assert_same(run(TINY, corpus(3), engine), one_pass(corpus(3)))


def test_several_are_processes_and_those_of_ray_are_actors(monkeypatch):
    local, ray = engine_of(Engine.LOCAL, 2, None, 0), engine_of(Engine.RAY, None, "auto", 0.5)
    assert isinstance(local, partial)
    assert isinstance(ray, partial)
    assert (local.func, local.args) == (by_processes, (2,))
    assert (ray.func, ray.args) == (by_ray, (None, "auto", 0.5))
    asked = []
    monkeypatch.setattr(processes, "Processes", lambda *given: asked.append(given))
    monkeypatch.setattr(ray_workers, "RayWorkers", lambda *given: asked.append(given))
    monkeypatch.setattr(chosen, "dispatched", lambda *_: iter(()))
    assert [*local(TINY, iter(()), None), *ray(TINY, iter(()), None)] == []
    assert asked == [(TINY, 2), (TINY, None, "auto", 0.5)]
