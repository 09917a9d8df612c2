"""From options to what is shown of a trace, and the notices that go with it."""

from dataclasses import replace

import numpy
import pytest

from attnviz import trace_text
from attnviz.choices import Step
from attnviz.cli.input.selected import (
    NOTHING_SPECIAL,
    first_layer,
    in_words,
    require_whole,
    say_if_missing,
    say_if_nothing_hidden,
    selected,
)
from attnviz.cli.options.model import ModelOptions
from attnviz.cli.options.selection import PartOptions, RegionOptions, SpecialOptions, WordsOptions
from attnviz.errors import UsageError
from attnviz.trace.layer import Layer
from attnviz.trace.trace import Trace

TRACE = trace_text("the cat saw", heads=2)


def layers(*numbers, name=""):
    array = numpy.ones((1, 2, 2))
    return tuple(
        Layer(array, array, array, index=number, name=f"{name} {number}" if name else "") for number in numbers
    )


def test_every_option_reaches_the_selection():
    options = PartOptions(head=["1"], layer=["0"]), SpecialOptions(skip_special=False)
    [part] = selected(TRACE, *options, RegionOptions(query="cat", key="0:2"), step=[Step.SCORES]).layers
    assert (part.heads, part.query, part.region) == ((1,), 1, (range(3), range(2)))
    assert selected(TRACE, *options, RegionOptions(), step=[Step.SCORES]).steps == (Step.SCORES,)
    [_, other] = selected(Trace(("a", "b"), layers(0, 1)), PartOptions(), SpecialOptions(), RegionOptions()).layers
    assert other.layer.index == 1
    [other] = selected(
        Trace(("a", "b"), layers(0, 1)), PartOptions(), SpecialOptions(), RegionOptions(), layer=["1"]
    ).layers
    assert other.layer.index == 1


@pytest.mark.parametrize("asked", [True, False])
def test_nothing_special_is_said_where_it_was_asked_for(asked, capsys):
    special = SpecialOptions(skip_special=asked)
    say_if_nothing_hidden(selected(TRACE, PartOptions(), special, RegionOptions()), special)
    assert capsys.readouterr().err == (f"attnviz: {NOTHING_SPECIAL}\n" if asked else "")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ([Step.WEIGHTS], ""),
        ([], ""),
        (
            [Step.WEIGHTS, Step.CONCAT],
            "attnviz: there is nothing to show for concat: it joins the outputs of several heads\n",
        ),
        ([Step.WEIGHTS, Step.CONCAT, Step.POSITIONS], "attnviz: there is nothing to show for concat or positions\n"),
    ],
)
def test_missing_steps_are_said_where_they_were_asked_for(asked, said, capsys):
    trace = trace_text("a b")
    say_if_missing(trace, selected(trace, PartOptions(), SpecialOptions(), RegionOptions(), step=asked), asked)
    assert capsys.readouterr().err == said


def test_a_layer_whose_w_o_was_not_found_is_told_where_it_was_asked_for(capsys):
    trace = replace(trace_text("a b"), source={"kind": "model", "unprojected": ["layer 0"]})
    shown = selected(trace, PartOptions(), SpecialOptions(), RegionOptions())
    say_if_missing(trace, shown, [Step.WEIGHTS])
    assert capsys.readouterr().err == ""
    say_if_missing(trace, shown, [Step.WEIGHTS, Step.PROJECTED])
    assert "attnviz: W_O is not known of layer 0: the outputs of the heads" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("known", "first", "said"),
    [
        (layers(3), ["3"], ""),
        (layers(3, 7), ["3"], "showing layer 3 of 2; --layer N or --layer all shows others"),
        (
            layers(0, name="encoder") + layers(0, 1, name="cross"),
            ["encoder 0"],
            "showing encoder 0 of 3; --layer N or --layer all shows others",
        ),
    ],
)
def test_the_first_layer_is_shown_with_a_notice_of_the_others(known, first, said, capsys):
    assert first_layer(Trace(("a", "b"), known)) == first
    assert capsys.readouterr().err == (f"attnviz: {said}\n" if said else "")


@pytest.mark.parametrize(
    ("group", "model", "hint"),
    [
        (PartOptions(layer=["1"]), None, "leave out --layer"),
        (PartOptions(layer=["1"]), "m", "leave out --layer, or keep only some layers with attnviz capture --layer"),
        (PartOptions(head=["1"]), "m", "leave out --head"),
        (RegionOptions(query="1"), None, "leave out --query"),
        (RegionOptions(key="1"), None, "leave out --key"),
        (SpecialOptions(skip_special=True), None, "leave out --skip-special"),
    ],
)
def test_a_saved_trace_is_whole(group, model, hint):
    with pytest.raises(UsageError, match="chooses what is shown, but a saved trace is whole") as raised:
        require_whole(ModelOptions(model=model), PartOptions(), group)
    assert raised.value.hint == hint


def test_what_chooses_nothing_may_be_saved():
    require_whole(ModelOptions(), PartOptions(), RegionOptions(), SpecialOptions())


def test_words_stand_in_place_of_tokens_where_they_are_asked_for(capsys):
    cut = trace_text("one step", tokenizer="char")
    assert in_words(cut, WordsOptions(), []) is cut
    assert in_words(cut, WordsOptions(words=True), []).tokens == ("one", " ", "step")
    assert capsys.readouterr().err == ""
    in_words(TRACE, WordsOptions(words=True), [], tell=False)
    assert capsys.readouterr().err == ""
    in_words(TRACE, WordsOptions(words=True), [])
    assert capsys.readouterr().err == "attnviz: every token is a word by itself: --words merges none\n"
