"""How the layers that run are numbered, and dropped."""

from __future__ import annotations

from attnviz.sources.huggingface.layer_runs import LayerRun, forget, next_number
from attnviz.sources.huggingface.module_calls import ModuleCalls
from attnviz.sources.huggingface.stacks import LayerAddress
from attnviz.sources.recording.comparing import Kept


def test_a_layer_has_the_number_of_its_module_and_counts_on_where_that_ran_before():
    runs = [LayerRun("", 0, "layers.0"), LayerRun("cross", 3, "cross.3")]
    assert next_number(runs, LayerAddress("layers.4", "", 4)) == 4
    assert next_number(runs, LayerAddress("layers.0", "", 0)) == 1
    assert next_number(runs, LayerAddress("cross.3", "cross", 3)) == 4
    assert next_number(runs, LayerAddress("attention")) == 1


def test_only_the_layer_that_ran_last_is_forgotten():
    runs, calls = [LayerRun("", 0, "layers.0"), LayerRun("", 1, "layers.1")], ModuleCalls()
    forget(runs, calls, "layers.0")
    assert [run.path for run in runs] == ["layers.0", "layers.1"]
    forget(runs, calls, "layers.1")
    assert [run.path for run in runs] == ["layers.0"]
    forget([], calls, "layers.2")
    assert calls.unseen == ("layers.N",)


def test_what_is_kept_is_known_once_it_is_settled():
    run = LayerRun("", 0, "layers.0", kept := Kept())
    assert (run.layer, run.error) == (None, 0.0)
    kept.layer, kept.error = "a layer", 1e-7
    assert (run.layer, run.error) == ("a layer", 1e-7)
