"""Many texts from Python: a model reads several at once and gives what it gives one by one; texts are no longer than they may be."""

from __future__ import annotations

from functools import partial

import pytest
from numpy.testing import assert_allclose

import attnviz
from attnviz import AttnvizError, trace_model, trace_text
from attnviz.api.many import Texts, length_of
from attnviz.api.reading import reading
from attnviz.errors import ChoiceError

TEXTS = ["the cat sat on the mat", "Your journey", "a b a b a b a b", "one", "the dog"]


def means(stats):
    return [[value.mean for value in head.values.values()] for head in stats.statistics.heads()]


def test_a_batch_is_as_one_by_one(model_folder):
    together, alone = (attnviz.stats(TEXTS, model_folder, batch=batch) for batch in (3, 1))
    assert together.statistics.texts == alone.statistics.texts == len(TEXTS)
    assert_allclose(means(together), means(alone), atol=1e-5)
    assert_allclose(means(attnviz.stats(iter(TEXTS), model_folder)), means(alone), atol=1e-5)


def test_texts_and_traces_stand_side_by_side(model_folder):
    mixed = [TEXTS[0], trace_model(model_folder, TEXTS[1]), *TEXTS[2:]]
    assert_allclose(means(attnviz.stats(mixed, model_folder)), means(attnviz.stats(TEXTS, model_folder)), atol=1e-5)


@pytest.mark.parametrize("model", [None, "tiny", "folder"])
def test_a_text_that_is_too_long_is_left_out_or_cut(model, model_folder):
    model = model_folder if model == "folder" else model
    count = len(trace_text("the dog").tokens if model is None else trace_model(model, "the dog").tokens)
    ours = attnviz.stats(["the dog", "the dog and the dog and the dog"], model, max_length=count)
    assert (ours.statistics.texts, ours.statistics.skipped, list(ours.errors)) == (1, 1, [1])
    cut = attnviz.stats(["the dog", "the dog and the dog and the dog"], model, max_length=count, cut=True)
    assert (cut.statistics.texts, cut.statistics.tokens) == (2, 2 * count)


@pytest.mark.parametrize("model", ["tiny", "folder"])
def test_a_trace_is_cut_as_well(model, model_folder):
    model = model_folder if model == "folder" else model
    [whole] = trace_model(model, ["the dog and the dog"])
    [cut] = trace_model(model, ["the dog and the dog"], max_length=len(whole.tokens) - 1, cut=True)
    assert cut.tokens == whole.tokens[: len(cut.tokens)]
    assert len(cut.tokens) < len(whole.tokens)
    assert trace_model(model, "the dog and the dog", max_length=len(cut.tokens), cut=True).tokens == cut.tokens
    with pytest.raises(AttnvizError, match="more than the 2 that are asked for"):
        trace_model(model, "the dog and the dog", max_length=2)
    with pytest.raises(AttnvizError, match="text 1: the text has"):
        trace_model(model, ["the", "the dog and the dog"], max_length=3 if model == "tiny" else len(cut.tokens) - 1)


def test_a_text_longer_than_the_model_reads_is_cut():
    assert len(trace_model("tiny", "the dog " * 2000, cut=True).tokens) < 4000
    ours = attnviz.stats(["the dog " * 2000, "the dog"], "tiny")
    assert (ours.statistics.texts, ours.statistics.skipped) == (1, 1)
    assert attnviz.stats(["the dog " * 2000], "tiny", cut=True, layer=0, head=0).statistics.texts == 1


def test_texts_that_are_read_one_by_one_are_cut_by_the_models_own_tokens(model_folder):
    """Beside the direction of a token no batches are read; and the model's tokens are more than words."""
    long = "the dog and the dog and the dog"
    most = len(trace_model(model_folder, "the dog and the").tokens)
    found = attnviz.stats(
        [long, "the dog"], model_folder, step="contribution", toward="the", layer=0, max_length=most, cut=True
    )
    assert (found.statistics.texts, found.statistics.skipped) == (2, 0)
    assert found.statistics.tokens == most + len(trace_model(model_folder, "the dog").tokens)
    longer = attnviz.stats([long, "the dog"], model_folder, step="contribution", toward="the", layer=0, max_length=most)
    assert (longer.statistics.texts, list(longer.errors)) == (1, [0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch": 0}, "batch is 0: expected a whole number, 1 or more"),
        ({"max_length": "x"}, "max_length is 'x': expected a whole number, 1 or more"),
        ({"batch": 2}, "batch is for a model"),
    ],
)
def test_what_cannot_be_is_told(options, message):
    with pytest.raises(AttnvizError, match=message):
        attnviz.stats(TEXTS, **options)


def numbered(trace):
    """What is made of a trace here: how many tokens it has, unless these are too few."""
    if len(trace.tokens) < 2:
        raise AttnvizError("too short")
    return len(trace.tokens)


@pytest.mark.parametrize("model", ["toy", "tiny", "folder"])
def test_what_is_made_of_each_trace_stands_with_its_text_and_so_do_errors(model, model_folder):
    given = [trace_text("a b c"), "the cat sat", trace_text("a"), "x"]
    read = {
        "toy": lambda: partial(trace_text),
        "tiny": lambda: reading("tiny", None, [], {}),
        "folder": lambda: reading(model_folder, None, [], {}),
    }[model]()
    found = [answer for _, answer in Texts(read, None, length_of(None, False), numbered)(given)]
    assert found[0] == 3
    assert found[1] >= 3
    assert str(found[2]) == "too short"
    assert str(found[3]) == "too short"


def test_what_no_other_text_would_do_better_is_raised():
    def refuses(_):
        raise ChoiceError("there is no head 9", "there are 2")

    for given in ([trace_text("a b")], ["a b"]):
        with pytest.raises(ChoiceError, match="there is no head 9"):
            list(Texts(partial(trace_text), None, length_of(None, False), refuses)(given))
