"""Words in place of tokens, from Python as from the command line."""

from __future__ import annotations

import numpy
import pytest
from command_line import attnviz as run

import attnviz
from attnviz import AttnvizError

TEXT = "Your journey, step by step"
OPTIONS = ("--tokenizer", "char", "--heads", "2", "--dim", "8", "--causal", "--words")
TRACE = attnviz.trace_text(TEXT, heads=2, dim=8, causal=True, tokenizer="char")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_words_stand_in_place_of_tokens():
    merged = TRACE.by_words()
    assert merged.tokens == ("Your", " ", "journey", ",", " ", "step", " ", "by", " ", "step")
    assert numpy.allclose(merged.layers[0].weights.sum(-1), 1)
    assert merged.words == tuple(range(10))
    with pytest.raises(AttnvizError, match="layer 1 does not exist"):
        TRACE.by_words(layer=1)


def test_every_call_shows_what_its_command_shows(folder):
    assert str(TRACE.explain(words=True)) in run("explain", TEXT, *OPTIONS).text
    assert TRACE.to_html(words=True) == run("html", TEXT, *OPTIONS, "-o", "-").text
    assert TRACE.to_json(words=True) == run("explain", TEXT, *OPTIONS, "--format", "json").text
    assert TRACE.to_csv(words=True) == run("explain", TEXT, *OPTIONS, "--format", "csv").text
    assert str(TRACE.stats(words=True)) == run("stats", TEXT, *OPTIONS).text
    TRACE.heatmap("mine.png", words=True)
    run("heatmap", TEXT, *OPTIONS, "-o", "its.png")
    assert (folder / "mine.png").read_bytes() == (folder / "its.png").read_bytes()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: TRACE.explain(words=True, step="scores"), "scores cannot be shown of words"),
        (lambda: TRACE.heatmap(words=True, step="masked"), "masked cannot be shown of words"),
        (lambda: TRACE.heatmap(words=True, compare="causal"), "--compare shows something else"),
        (lambda: TRACE.heatmap(words=True, on_image="a.png"), "--on-image shows something else"),
        (lambda: TRACE.to_csv(words=True, step="output"), "output cannot be shown of words"),
    ],
)
def test_what_cannot_be_merged_is_refused(call, message):
    with pytest.raises(AttnvizError, match=message):
        call()
