"""attnviz.diagnose: all that it is given reaches the analysis."""

from __future__ import annotations

import inspect

import numpy
import pytest

import attnviz
from attnviz import AttnvizError
from attnviz.analysis.diagnosis.diagnose import diagnose
from attnviz.choices import Language

NUMBERS = numpy.random.default_rng(0)
QUERY, KEY, VALUE = (NUMBERS.standard_normal((2, 5, 4)) for _ in range(3))


def test_it_says_what_the_analysis_says():
    output = attnviz.attend(QUERY, KEY, VALUE).output
    found = attnviz.diagnose(QUERY, KEY, VALUE, output, causal=True, language="vi")
    assert found.explanations == diagnose(QUERY, KEY, VALUE, output, causal=True).explanations
    assert [one.name for one in found.mistakes] == ["causal-missing"]
    assert found.language is Language.VI
    assert "Mặt nạ" in str(found) or "nhân quả" in str(found)


def test_every_argument_is_passed_on(monkeypatch):
    given = []
    monkeypatch.setattr(
        "attnviz.analysis.diagnosis.diagnose.diagnose",
        lambda *arguments, **options: given.append((arguments, options)) or diagnose(QUERY, KEY, VALUE, VALUE),
    )
    names = [name for name in inspect.signature(diagnose).parameters if name not in ("query", "key", "value", "output")]
    attnviz.diagnose(1, 2, 3, 4, **{name: name for name in names})
    assert given == [((1, 2, 3, 4), {name: name for name in names})]


def test_its_arguments_and_defaults_are_those_of_the_analysis():
    ours = dict(inspect.signature(attnviz.diagnose).parameters)
    assert ours.pop("language").default == "en"
    assert ours == dict(inspect.signature(diagnose).parameters)


def test_a_language_that_is_none_is_told():
    with pytest.raises(AttnvizError, match="language is 'de'"):
        attnviz.diagnose(QUERY, KEY, VALUE, VALUE, language="de")
