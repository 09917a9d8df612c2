"""What a model wrote, as a trace holds it, saves it and reads it again."""

from __future__ import annotations

import json

import numpy
import pytest

from attnviz import AttnvizError, Layer, Rule, Trace
from attnviz.trace.generation import Generation, read_generation, valid_predictions
from attnviz.trace.trace import load

LAYER = Layer(*[numpy.ones((1, 2, 3))] * 3, Rule(causal=True))
PREDICTIONS = ((), (("b", 0.5), ("c", 0.25)))


def made(**options):
    return Trace(("a", "b"), (LAYER,), **options)


def test_a_saved_trace_brings_it_back(tmp_path):
    generation = Generation(("b", "\ud800"), (0.5, 1), "a", "b …")
    made(predictions=PREDICTIONS, generation=generation).save(tmp_path / "t.safetensors")
    read = load(tmp_path / "t.safetensors")
    assert read.predictions == PREDICTIONS
    assert read.generation == generation
    assert generation.chosen == ("b", "\\ud800")


def test_a_trace_of_none_says_nothing_of_it(tmp_path):
    made().save(tmp_path / "t.safetensors")
    content = (tmp_path / "t.safetensors").read_bytes()
    assert b"predictions" not in content
    assert b"generation" not in content
    assert (load(tmp_path / "t.safetensors").predictions, load(tmp_path / "t.safetensors").generation) == ((), None)


def test_what_a_later_attnviz_says_more_is_left_alone():
    said = {"chosen": ["a"], "probabilities": [], "text": None, "later": 1}
    assert read_generation(json.loads(json.dumps(said))) == Generation(("a",))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"chosen": ()}, "needs at least one token that was chosen"),
        ({"chosen": ("a",), "probabilities": (0.1, 0.2)}, "2 probabilities for 1 chosen token"),
        ({"chosen": ("a",), "probabilities": (1.5,)}, "a probability is 1.5: expected a number from 0 to 1"),
        ({"chosen": ("a",), "probabilities": (True,)}, "a probability is True"),
        ({"chosen": (1,)}, "tokens must be strings"),
    ],
)
def test_what_is_no_generation_is_refused(options, message):
    with pytest.raises(AttnvizError, match=message):
        Generation(**options)


@pytest.mark.parametrize("wrong", [("b",), ("b", 0.5, 1), (1, 0.5), ("b", "x"), ("b", float("nan"))])
def test_what_is_no_prediction_is_refused(wrong):
    with pytest.raises(AttnvizError, match=r"a prediction is|a probability is"):
        valid_predictions([[wrong]])


def test_no_more_tokens_were_chosen_than_positions_ran():
    made(generation=Generation(("b", "c")))
    with pytest.raises(AttnvizError, match="3 tokens were chosen, but only 2 positions ran: each chooses one"):
        made(generation=Generation(("b", "c", "d")))


def test_predictions_are_of_the_queries_of_a_layer():
    with pytest.raises(AttnvizError, match="predictions for 3 positions: no layer has as many queries"):
        made(predictions=[()] * 3)
