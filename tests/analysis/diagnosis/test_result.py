"""The record of a diagnosis."""

import pytest

from attnviz.analysis.diagnosis.result import Diagnosis, Mistake, Verdict
from attnviz.errors import AttnvizError

TILED = Mistake("groups-tiled", before=0.4, after=2e-7)
LEAK = Mistake("causal-leaks-next", heads=(3,), queries=(range(2, 5),))


def test_the_mistakes_of_a_pair_are_all_told():
    assert Diagnosis(Verdict.MISTAKE, 0.4, 1e-6, "float32", ((TILED, LEAK),)).mistakes == (TILED, LEAK)


def test_a_mistake_that_is_part_of_several_explanations_is_told_once():
    assert Diagnosis(Verdict.SEVERAL, 0.4, 1e-6, "float32", ((TILED,), (LEAK, TILED))).mistakes == (TILED, LEAK)


def test_a_correct_output_has_none():
    assert Diagnosis(Verdict.CORRECT, 1e-8, 1e-6, "float32").mistakes == ()


def test_its_short_form_names_all():
    found = Diagnosis(Verdict.SEVERAL, 0.4, 1e-6, "float32", ((TILED,), (LEAK, TILED)))
    assert repr(found).startswith("Diagnosis(several: groups-tiled or causal-leaks-next + groups-tiled, error 0.4")
    assert repr(Diagnosis(Verdict.CORRECT, 1e-8, 1e-6, "float32")).startswith("Diagnosis(correct, error 1e-08")


def test_it_prints_and_shows_itself():
    found = Diagnosis(Verdict.MISTAKE, 0.4, 1e-6, "float32", ((TILED,),))
    assert "groups-tiled" in str(found)
    assert "groups-tiled" in found._repr_html_()
    assert found.__rich__().renderables
    with pytest.raises(AttnvizError, match=r"the output is correct|no weights can be told"):
        found.heatmap()
