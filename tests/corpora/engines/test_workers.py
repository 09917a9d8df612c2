"""What engines offer is what the loop that serves them asks for."""

from __future__ import annotations

import inspect

import pytest

from attnviz.corpora.engines.processes import Processes
from attnviz.corpora.engines.ray_workers import RayWorkers
from attnviz.corpora.engines.workers import Done, Failed, Gone, Placed, Ready, Workers


@pytest.mark.parametrize("engine", [Processes, RayWorkers])
def test_each_engine_offers_all(engine):
    asked = {name: call for name, call in vars(Workers).items() if inspect.isfunction(call) and name[0] != "_"}
    assert asked.keys() == {"start", "give", "wait", "close", "too_few"}
    for name, call in asked.items():
        assert list(inspect.signature(getattr(engine, name)).parameters) == list(inspect.signature(call).parameters)


@pytest.mark.parametrize("event", [Placed(3), Ready(3), Done(3, b""), Failed(3, ValueError()), Gone(3, "killed")])
def test_each_report_says_of_which_worker(event):
    assert event.worker == 3
