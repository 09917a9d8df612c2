"""How the tiny model learns: what a step looks at, and that a few steps teach it something."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy
import pytest

torch = pytest.importorskip("torch")

from attnviz.sources.tiny.learning import (  # noqa: E402
    Batch,
    Plan,
    cut,
    learned,
    losses_of,
    share_of_rate,
    told_of,
    weights_of,
)
from attnviz.sources.tiny.model import TinyModel  # noqa: E402
from attnviz.sources.tiny.network import Network, Shape  # noqa: E402
from attnviz.sources.tiny.pool import UNKNOWN, drawn_pool  # noqa: E402
from attnviz.sources.tiny.prices import Prices  # noqa: E402
from attnviz.sources.tiny.words import VOCABULARY  # noqa: E402

PLAN = Plan(steps=6, windows=8, length=20, sentences=200, renewed=4)
POSITIONS = 64


@pytest.fixture(scope="module")
def pool():
    return drawn_pool("learning", 200)


@pytest.fixture
def batch(pool):
    return cut(pool, PLAN, numpy.random.default_rng(0), POSITIONS)


def test_a_batch_asks_for_the_word_after_each(pool, batch):
    words = [pool.words[place] for place in batch.tokens[0]]
    for place in range(19):
        target = batch.targets[0, place]
        assert words[place + 1] == VOCABULARY[target] if target != UNKNOWN else words[place + 1] not in VOCABULARY


def test_half_of_the_windows_begin_at_the_first_position_and_all_positions_are_seen(pool):
    plan = replace(PLAN, windows=4000)
    first = cut(pool, plan, numpy.random.default_rng(0), POSITIONS).first
    assert 0.45 < (first == 0).float().mean() < 0.56
    assert int(first.max()) + plan.length == POSITIONS


def test_the_loss_is_torchs_over_the_words_that_can_be_said(batch):
    torch.manual_seed(0)
    network = Network(Shape(words=len(VOCABULARY), width=24, heads=2, positions=POSITIONS))
    free = replace(PLAN, other_words=0.0, prices=Prices(0, 0, 0, 0))
    losses = losses_of(network, batch, free, 10000)
    asked = batch.asked & (batch.targets != UNKNOWN)
    expected = torch.nn.functional.cross_entropy(losses.logits[asked], batch.targets[asked])
    assert losses.questions.item() == pytest.approx(expected.item(), rel=1e-5)
    assert losses.whole.item() == pytest.approx(expected.item(), rel=1e-5)
    others = ~batch.asked & (batch.targets != UNKNOWN)
    rest = torch.nn.functional.cross_entropy(losses.logits[others], batch.targets[others])
    both = losses_of(network, batch, replace(free, other_words=0.5), 0)
    assert both.whole.item() == pytest.approx((expected + 0.5 * rest).item(), rel=1e-5)
    priced = losses_of(network, batch, replace(free, prices=Prices()), 10000)
    assert priced.whole > losses.whole


def test_the_rate_goes_up_and_down():
    plan = Plan(steps=1000, warm_up=100)
    rates = [share_of_rate(step, plan) for step in range(1000)]
    assert rates[0] == 0.01
    assert max(rates) == rates[100] == 1.0
    assert rates[:100] == sorted(rates[:100])
    assert rates[100:] == sorted(rates[100:], reverse=True)
    assert rates[-1] < 1e-4
    assert rates[550] == pytest.approx(0.5)


def test_a_line_says_how_many_questions_were_answered_right(batch):
    torch.manual_seed(0)
    network = Network(Shape(words=len(VOCABULARY), width=24, heads=2, positions=POSITIONS))
    losses = losses_of(network, batch, PLAN, 0)
    right = torch.nn.functional.one_hot(batch.targets.clamp_min(0), len(VOCABULARY)).float()
    assert told_of(replace(losses, logits=right), batch).endswith("copying 100 %")
    wrong = 1 - right
    assert told_of(replace(losses, logits=wrong), batch).endswith("copying 0 %")
    nothing = Batch(**{**vars(batch), "asked": torch.zeros_like(batch.asked)})
    assert "%" not in told_of(losses, nothing)


def test_a_few_steps_are_the_same_each_time_and_leave_torchs_settings_alone():
    threads, lines = torch.get_num_threads(), []
    one, same, other = (learned(replace(PLAN, seed=seed), lines.append) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), same.state_dict().values(), strict=True))
    assert not torch.equal(one.own, other.own)
    assert torch.get_num_threads() == threads
    assert torch.tensor(1e-40) * 1.0 > 0.0  # and what is as small as that is no 0 afterwards
    assert len(lines) == 3
    assert re.fullmatch(r" +6 of 6 steps  loss [\d.]+  answers [\d.]+  .*  \d+ s", lines[0])


def test_the_weights_are_the_networks(tmp_path):
    from attnviz.sources.tiny.weights import read_weights, write_weights

    torch.manual_seed(0)
    network = Network(Shape(words=len(VOCABULARY)))
    for layer in network.layers:
        torch.nn.init.normal_(layer.bias)
    write_weights(tmp_path / "a.safetensors", weights_of(network, {"seed": "0"}))
    assert (tmp_path / "a.safetensors").stat().st_size <= 450_000
    model = TinyModel(read_weights(tmp_path / "a.safetensors").astype("float64"))
    words = model.encode("the dogs near the tree")
    assert model.heads == 4
    with torch.no_grad():
        vectors = torch.from_numpy(model.embed(words)).float()[None]
        logits, _ = network(vectors, torch.tensor([0]))
    mine = model.logits(model.run(model.embed(words)).stream)
    assert numpy.abs(mine - logits[0].numpy()).max() < 0.05  # float16 keeps three digits


@pytest.mark.slow
def test_in_some_hundred_steps_it_answers_most_questions():
    lines: list[str] = []
    network = learned(Plan(steps=700, sentences=5000, prices=Prices(begin=700)), lines.append)
    model = TinyModel(weights_of(network, {}))
    from attnviz.sources.tiny.answers import Answers
    from attnviz.sources.tiny.grammar import Grammar

    for role, least in (("position", 0.9), ("syntax", 0.8), ("meaning", 0.9)):
        answers = Answers(model, Grammar("few").cases(role, 200))
        assert answers.right()[answers.counted()].mean() > least, role
