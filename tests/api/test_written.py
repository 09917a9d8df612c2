"""What a model wrote, from Python: the steps that the command shows."""

from __future__ import annotations

import pytest
from command_line import attnviz as run

import attnviz
from attnviz import AttnvizError, trace_text

PROMPT = "the dogs near the tree"


@pytest.fixture(scope="module")
def trace():
    return attnviz.generate("tiny", PROMPT, 3)


@pytest.mark.parametrize(("options", "asked"), [((), {}), (("--layer", 1, "--head", 0), {"layer": 1, "head": 0})])
def test_it_prints_what_the_command_prints(trace, options, asked):
    expected = run("generate", PROMPT, "--tokens", 3, *options, "--lang", "vi").text
    assert str(trace.written(**asked, language="vi")) == expected


def test_it_says_where_the_model_ended_the_text():
    from attnviz.trace.generation import Generation

    generation = Generation(("are",), text="are", prompt=PROMPT)
    trace = attnviz.generate("tiny", PROMPT, 1)
    assert trace.generation.chosen == generation.chosen
    assert "of 5" in str(trace.written(tokens=5))
    assert "of 5" not in str(trace.written())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"language": "de"}, "language is 'de'"),
        ({"tokens": 0}, "tokens is 0"),
        ({"layer": 7, "head": 0}, "layer 7"),
        ({"layer": 0, "head": 9}, "head 9"),
    ],
)
def test_what_is_not_there_is_told(trace, options, message):
    with pytest.raises(AttnvizError, match=message):
        str(trace.written(**options))


def test_a_trace_in_which_nothing_was_written_says_so():
    with pytest.raises(AttnvizError, match="nothing was generated in this trace"):
        trace_text("a b").written()
