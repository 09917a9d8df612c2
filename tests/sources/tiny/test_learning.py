"""How the tiny model learns: first the answers, then its heads are parted; and that a few steps teach it something."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy
import pytest

torch = pytest.importorskip("torch")

from attnviz.sources.tiny.learning import Training, learned, told_of, weights_of  # noqa: E402
from attnviz.sources.tiny.losses import Losses  # noqa: E402
from attnviz.sources.tiny.model import TinyModel  # noqa: E402
from attnviz.sources.tiny.network import Network, Shape  # noqa: E402
from attnviz.sources.tiny.plan import Plan  # noqa: E402
from attnviz.sources.tiny.words import VOCABULARY  # noqa: E402

PLAN = Plan(learning=3, parting=4, windows=8, length=20, sentences=200, renewed=4)


def no_line(line):
    """Nobody listens."""


def test_heads_are_parted_at_the_latest_when_learning_ends():
    training = Training(PLAN, no_line)
    parted = []
    while not training.done:
        training.step()
        parted.append(training.parted)
    assert parted == [None] * 3 + [3] * 4


def test_heads_are_parted_as_soon_as_all_answers_are_known():
    training = Training(replace(PLAN, learning=100, known=-0.5), no_line)
    training.step()
    assert training.parted == 0


def test_left_alone_is_said():
    lines: list[str] = []
    training = Training(replace(PLAN, learning=1, parting=1, left_alone=True), lines.append)
    while not training.done:
        training.step()
    assert "from here on the heads are left alone" in lines[0]


def test_the_rate_goes_up_and_in_the_second_half_of_the_parting_down():
    training = Training(replace(PLAN, warm_up=2, rate=1.0), no_line)
    rates = []
    while not training.done:
        training.step()
        rates.append(training._optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5])


def test_a_line_says_how_many_questions_were_answered_right():
    losses = Losses(torch.tensor(1.25), torch.tensor([0.5, 0.1, 0.1, 0.1]), torch.tensor([1.0, 0.5, 0.0, 0.25]))
    said = "loss 1.250  answers 0.200  position 100 %  syntax 50 %  meaning 0 %  copying 25 %"
    assert told_of(losses) == said


def test_a_few_steps_are_the_same_each_time_and_leave_torchs_settings_alone():
    threads, lines = torch.get_num_threads(), []
    one, same, other = (learned(replace(PLAN, seed=seed), lines.append) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), same.state_dict().values(), strict=True))
    assert not torch.equal(one.own, other.own)
    assert torch.get_num_threads() == threads
    assert torch.tensor(1e-40) * 1.0 > 0.0  # and what is as small as that is no 0 afterwards
    assert len(lines) == 6
    assert re.fullmatch(r" +3 of 7 steps  the answers are known: from here on the heads are parted  \d+ s", lines[0])
    assert re.fullmatch(r" +7 of 7 steps  loss [\d.]+  answers [\d.]+  .*  \d+ s", lines[1])


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
    network = learned(Plan(learning=450, parting=1, sentences=4000), lines.append)
    model = TinyModel(weights_of(network, {}))
    from attnviz.sources.tiny.answers import Answers
    from attnviz.sources.tiny.grammar import Grammar

    for role, least in (("position", 0.8), ("syntax", 0.8), ("meaning", 0.8)):
        answers = Answers(model, Grammar("few").cases(role, 200))
        assert answers.right()[answers.counted()].mean() > least, role
