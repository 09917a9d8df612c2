"""How a text is cut for a model: the longest beginning that fits, and a pair behind it whole."""

from __future__ import annotations

import pytest
from headless_models import gap_tokenizer, predicting
from tiny_models import model, tokenizer

from attnviz.errors import AttnvizError
from attnviz.sources.given import Given
from attnviz.sources.huggingface.cutting import fitted
from attnviz.sources.huggingface.inputs import read
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.predictor import ModelPredictor
from attnviz.sources.huggingface.trace_texts import Batches
from attnviz.sources.texts.length import Length

TEXT, PAIR = "the king met we list the king", "we list the"


@pytest.fixture(scope="module")
def bert():
    return Model.of(predicting("Bert"), gap_tokenizer())


def count(bert, text, pair=None):
    return len(read(bert, text, None, False, pair=pair).tokens.ids)


@pytest.mark.parametrize("pair", [None, PAIR])
def test_it_is_the_longest_beginning_that_fits(bert, pair):
    words = TEXT.split()
    for kept in range(1, len(words) + 1):
        most = count(bert, " ".join(words[:kept]), pair)
        assert fitted(bert, TEXT, Length(most, cut=True), pair=pair) == " ".join(words[:kept])


def test_a_text_that_fits_is_as_it_was(bert):
    assert fitted(bert, f"{TEXT} ", Length(None, cut=True), pair=PAIR) == f"{TEXT} "
    assert fitted(bert, TEXT, Length(count(bert, TEXT, PAIR), cut=True), pair=PAIR) == TEXT


def test_a_pair_that_fills_everything_is_told(bert):
    room = count(bert, "the", PAIR) - 1
    with pytest.raises(AttnvizError, match=f"{room} tokens are too few for any word of this text") as raised:
        fitted(bert, TEXT, Length(room, cut=True), pair=PAIR)
    assert "or give a shorter pair: it is never cut" in raised.value.hint
    with pytest.raises(AttnvizError, match="2 tokens are too few") as raised:
        fitted(bert, TEXT, Length(2, cut=True))
    assert raised.value.hint == "ask for more with --max-length"


def test_batches_cut_pairs(bert):
    most = count(bert, "the king", PAIR)
    batches = Batches(bert, length=Length(most, cut=True))
    answers = [answer for _, answer in batches([Given(TEXT, pair=PAIR), Given("the", pair=PAIR)])]
    assert [len(trace.tokens) for trace in answers] == [most, most - 1]
    assert (answers[0].source.original, answers[0].source.pair) == ("the king", PAIR)


def test_a_text_is_no_longer_than_the_model_reads(bert):
    positions = bert.model.config.max_position_embeddings
    text = fitted(bert, "the " * (positions + 5), Length(None, cut=True))
    assert count(bert, text) == positions


def test_what_predicts_cuts_and_refuses_as_well(bert):
    predictor, most = ModelPredictor(bert), count(bert, "the king", PAIR)
    read_so = predictor.read(TEXT, pair=PAIR, max_length=most, cut=True)
    assert (read_so.tokens, read_so.source.original, read_so.source.pair) == (most, "the king", PAIR)
    with pytest.raises(AttnvizError, match=f"more than the {most} that are asked for"):
        predictor.read(TEXT, pair=PAIR, max_length=most)
    llama = ModelPredictor(Model.of(model("Llama"), tokenizer()))
    assert llama.read([3, 4, 5], cut=True, max_length=3).tokens == 3  # ids are never cut
    with pytest.raises(AttnvizError, match="has 3 tokens, more than the 2 that are asked for"):
        llama.read([3, 4, 5], cut=True, max_length=2)
