"""The loss, the probability and the divergence are torch's own; which heads are taken away is what was asked for."""

from __future__ import annotations

import math

import numpy
import pytest
import torch
from torch.nn.functional import cross_entropy, kl_div

from attnviz.analysis import effects
from attnviz.analysis.effects import measure_effects
from attnviz.choices import Ablation
from attnviz.errors import AttnvizError, ChoiceError
from attnviz.trace.ablation import UNKNOWN, Answer, LayerHeads
from attnviz.trace.origin import Origin

WORDS, PREDICTIONS = 11, 5


class Text:
    """Logits that are drawn anew for each group of heads."""

    def __init__(self, kind="numpy", targets=(3, UNKNOWN, 0, 10, UNKNOWN), asked=4, dtype="float64"):
        self.kind, self.dtype, self.asked = kind, dtype, asked
        self.layers = [LayerHeads("encoder 0", "encoder", 0, 3), LayerHeads("cross 2", "cross", 2, 2)]
        self.tokens, self.targets, self.source = 6, numpy.array(targets), Origin(kind="model", model="drawn")
        self.asked_for = []

    def whole(self):
        return self.drawn(99)

    def without(self, groups, ablation):
        for group in groups:
            self.asked_for.append((ablation, list(group)))
            ((layer, head),) = group
            yield self.drawn(10 * layer + head)

    def label(self, number):
        return f"word {number}"

    def drawn(self, seed):
        logits = 5 * numpy.random.default_rng(seed).standard_normal((PREDICTIONS, WORDS))
        return torch.tensor(logits, dtype=getattr(torch, self.dtype)) if self.kind == "torch" else logits


def expected(text, seed, answer):
    """By torch's own functions, in float64."""
    whole, changed = (torch.as_tensor(text.drawn(one)).double() for one in (99, seed))
    known = torch.as_tensor(text.targets >= 0)
    targets = torch.as_tensor(text.targets)[known]
    loss = [cross_entropy(rows[known], targets) for rows in (changed, whole)]
    chance = [rows[text.asked].softmax(-1)[answer] for rows in (changed, whole)]
    apart = kl_div(changed.log_softmax(-1), whole.log_softmax(-1), reduction="batchmean", log_target=True)
    return [float(loss[0] - loss[1]), float(chance[0] - chance[1]), float(apart)]


@pytest.mark.parametrize("cells", [1, 2 * WORDS, 1 << 22])  # a prediction at a time, two, all
@pytest.mark.parametrize(("kind", "dtype"), [("numpy", "float64"), ("torch", "float64"), ("torch", "bfloat16")])
def test_the_numbers_are_torchs_own(kind, dtype, cells, monkeypatch):
    monkeypatch.setattr(effects, "CELLS", cells)
    text = Text(kind, dtype=dtype)
    found = measure_effects(text, Answer(7, "x"))
    for place, layer in enumerate(found.layers):
        for head in layer.heads:
            rounding = 2e-6 if dtype == "bfloat16" else 1e-12  # half precision is computed in float32
            assert layer.values[:, head] == pytest.approx(expected(text, 10 * place + head, 7), rel=1e-6, abs=rounding)
    assert found.answer == Answer(7, "x")
    assert (found.tokens, found.source) == (6, text.source)


def test_the_loss_and_the_probability_with_all_heads_are_told():
    text = Text()
    rows, targets = torch.as_tensor(text.whole()), torch.as_tensor(text.targets)
    whole = measure_effects(text, Answer(7, "x")).whole
    assert whole == pytest.approx(
        [float(cross_entropy(rows, targets, ignore_index=UNKNOWN)), float(rows[4].softmax(-1)[7]), 0.0]
    )


def test_without_an_answer_it_is_the_likeliest():
    text = Text()
    answer = int(text.whole()[4].argmax())
    found = measure_effects(text)
    assert found.answer == Answer(answer, f"word {answer}")
    assert found.layers[0].values[1, 0] == pytest.approx(expected(text, 0, answer)[1])


def test_a_text_that_asks_nothing_has_no_probability_and_one_without_targets_no_loss():
    found = measure_effects(Text(asked=None))
    assert found.answer is None
    assert numpy.isnan(found.layers[0].values).tolist() == [[False] * 3, [True] * 3, [False] * 3]
    assert math.isnan(found.whole[1])
    found = measure_effects(Text(targets=[UNKNOWN] * PREDICTIONS))
    assert numpy.isnan(found.layers[0].values).tolist() == [[True] * 3, [False] * 3, [False] * 3]
    with pytest.raises(AttnvizError, match="the text has no place for the answer x: a model that fills gaps needs one"):
        measure_effects(Text(asked=None), Answer(1, "x"))


def test_the_layers_and_heads_that_are_asked_for_are_taken_away_one_by_one():
    text, done = Text(), []
    found = measure_effects(
        text, None, Ablation.ZERO, layer=["cross 2", "encoder"], head=["1"], report=lambda *both: done.append(both)
    )
    assert [(one.layer.title, one.heads, one.values.shape) for one in found.layers] == [
        ("cross 2", (1,), (3, 1)),
        ("encoder 0", (1,), (3, 1)),
    ]
    assert text.asked_for == [(Ablation.ZERO, [(1, 1)]), (Ablation.ZERO, [(0, 1)])]
    assert done == [(1, 2), (2, 2)]
    with pytest.raises(ChoiceError, match="head 2 does not exist: cross 2 has heads 0 to 1"):
        measure_effects(Text(), layer=["cross"], head=["2"])
    with pytest.raises(ChoiceError, match="layer 7 does not exist"):
        measure_effects(Text(), layer=["7"])


def test_the_same_predictions_are_no_change_and_never_less_than_none():
    text = Text()
    text.without = lambda groups, _: (text.whole() for _ in groups)
    values = numpy.concatenate([one.values for one in measure_effects(text).layers], axis=1)
    assert (values == 0).all()
