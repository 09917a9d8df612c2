"""Passes over texts: when weights will do, what padding does to a text, and what is told of each."""

from __future__ import annotations

import pytest
import torch
from tiny_models import model, tokenizer
from tiny_tokenizers import pairing

from attnviz import AttnvizError
from attnviz.choices import Verify
from attnviz.errors import ChoiceError
from attnviz.sources.given import Given, as_it_is
from attnviz.sources.huggingface import text_runs
from attnviz.sources.huggingface.at_once import Asked
from attnviz.sources.huggingface.inputs import read
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.switching import watched_by
from attnviz.sources.huggingface.text_runs import TextRuns
from attnviz.sources.huggingface.trace_model import run, trace
from attnviz.sources.recording.sampled import Comparison

TEXTS = ["the cat sat on the mat", "a dog", "Your journey starts"]


class Weighed:
    """What is made of weights here: the title of each layer, and what is told of each text."""

    def __init__(self, ids) -> None:
        self.ids, self.titles = ids, []

    def take(self, layer) -> None:
        self.titles.append(layer.title)

    def of_text(self, place, source, tokens):
        return self.ids[place], self.titles, source, tokens


def runs(name: str = "Llama", then=as_it_is, weigh=Weighed, predictions=None) -> TextRuns:
    read_by = Model.of(model(name), tokenizer())
    return TextRuns(read_by, (), Comparison(Verify.SAMPLE), predictions, then, weigh)


def asked(texts: TextRuns, *some: str, pair: str | None = None) -> list[Asked]:
    return [
        Asked(number, Given(text, pair=pair), read(texts.model, text, None, False, None, pair))
        for number, text in enumerate(some)
    ]


def passed(texts: TextRuns, some: list[Asked], weighed: bool = True):
    watch = texts.watch(some, weighed)
    with watched_by(watch):
        run(texts.model, texts.reading(some))
    return watch


def test_what_is_told_of_a_text_that_was_weighed_is_what_its_trace_tells():
    texts = runs()
    some = asked(texts, *TEXTS)
    texts.trace(some[1])  # which tells what all share
    watch = passed(texts, some)
    assert watch.weighing is not None
    for one, (ids, titles, source, tokens) in zip(some, texts.answers(watch, some).values(), strict=True):
        alone = trace(texts.model, one.given.text)
        assert titles == ["layer 0", "layer 1"]
        assert (ids, tokens) == (alone.source["ids"], alone.tokens)
        assert source.keys() == alone.source.keys()
        for name in source.keys() - {"agreement"}:
            assert source[name] == alone.source[name]
        assert source.agreement.largest_error < 1e-5
        assert source.agreement.checked_queries == one.length
        assert source.agreement.errors.keys() == alone.source.agreement.errors.keys()


def test_a_pair_of_texts_is_told_of_the_text_that_has_one():
    texts = TextRuns(Model.of(model("Bert"), pairing()), (), Comparison(Verify.SAMPLE), None, as_it_is, Weighed)
    some = asked(texts, "the cat sat", pair="your journeys start")
    texts.trace(asked(texts, "the cat")[0])
    [(_, _, source, _)] = texts.answers(passed(texts, some), some).values()
    assert (source.original, source.pair) == ("the cat sat", "your journeys start")


def test_weights_will_do_once_a_trace_has_told_how_many_there_are(monkeypatch):
    texts = runs()
    some = asked(texts, *TEXTS)
    assert texts.watch(some, True).weighing is None  # nothing is known of the model yet
    texts.trace(some[0])
    assert isinstance(texts.watch(some, True).weighing, Weighed)
    assert texts.watch(some, False).weighing is None
    lead = texts.watch((), False)
    lead.start()
    assert isinstance(texts.beside(lead, some).weighing, Weighed)
    assert texts.beside(lead, some).lengths == [one.length for one in some]
    longest = max(one.length for one in some)
    monkeypatch.setattr(text_runs, "WEIGHED", 3 * 4 * longest**2 - 1)  # one less than the weights of a layer
    assert texts.watch(some, True).weighing is None
    assert texts.watch(some[1:], True).weighing is not None


def test_ids_without_labels_are_traced():
    texts = runs()
    texts.trace(asked(texts, "a")[0])
    some = asked(texts, *TEXTS)
    bare = [one._replace(reading=one.reading._replace(tokens=None)) for one in some]
    assert texts.watch(bare, True).weighing is None


def test_where_nothing_is_made_of_weights_each_text_is_a_trace():
    texts = runs(weigh=None)
    some = asked(texts, *TEXTS)
    texts.trace(some[1])
    for one, made in zip(some, texts.answers(passed(texts, some), some).values(), strict=True):
        for mine, theirs in zip(made.layers, trace(texts.model, one.given.text).layers, strict=True):
            torch.testing.assert_close(mine.steps().weights, theirs.steps().weights, rtol=1e-5, atol=1e-5)


def test_an_error_in_what_is_made_is_the_answer_unless_no_text_would_do_better():
    def refuses(error):
        def then(_):
            raise error

        return then

    [one] = asked(runs(), "a dog")
    texts = runs(then=refuses(AttnvizError("not this one")))
    assert str(texts.made_of(texts.trace(one))) == "not this one"
    texts = runs(then=refuses(ChoiceError("there is no head 9", "there are 4")))
    with pytest.raises(ChoiceError):
        texts.made_of(texts.trace(one))


@pytest.mark.parametrize("known", [True, False])
def test_padding_that_leaks_into_the_keys_is_seen(known):
    texts = runs()
    some = asked(texts, TEXTS[0], TEXTS[1])
    alone = (some[1], texts.trace(some[1])) if known else None
    run_too = [some[0], some[1]]
    watch = passed(texts, run_too, weighed=False)
    assert texts.reads_padding_right(watch, run_too, alone)
    for layer in watch.batched[1:]:  # as it would be, had padding been let in
        layer.key[1, 0, 0, 0] += 1e-3 * float(layer.key.abs().max())
    assert not texts.reads_padding_right(watch, run_too, alone)


def test_a_text_that_was_not_padded_tells_nothing_of_padding():
    """The longest is known, so the shortest is read alone."""
    texts = runs()
    some = asked(texts, TEXTS[1], TEXTS[0])
    watch = passed(texts, some, weighed=False)
    known = (some[1], texts.trace(some[1]))
    for layer in watch.batched:
        layer.key[1] += 1.0  # nobody asks for it
    assert texts.reads_padding_right(watch, some, known)
