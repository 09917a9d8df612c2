"""What a step looks at: torch's own cross-entropy, of each role's answers and of all other words; and what needs which head."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest

torch = pytest.importorskip("torch")

from attnviz.sources.tiny.batch import cut  # noqa: E402
from attnviz.sources.tiny.grammar import DEED_KIND, KINDS  # noqa: E402
from attnviz.sources.tiny.losses import Parting, by_role, losses_of, mean_of, needs, vectors_of  # noqa: E402
from attnviz.sources.tiny.network import Network, Shape  # noqa: E402
from attnviz.sources.tiny.plan import Plan  # noqa: E402
from attnviz.sources.tiny.pool import KIND_IDS, UNKNOWN, drawn_pool  # noqa: E402
from attnviz.sources.tiny.prices import Prices  # noqa: E402
from attnviz.sources.tiny.words import VOCABULARY  # noqa: E402
from attnviz.trace.asking import ROLES  # noqa: E402

FREE = Plan(windows=16, length=30, other_words=0.0, deeds=0.0, prices=Prices(0, 0, 0, 0))
HEADS = 4


@pytest.fixture(scope="module")
def batch():
    return cut(drawn_pool("losses", 300), FREE, numpy.random.default_rng(0), 64)


@pytest.fixture
def network():
    torch.manual_seed(0)
    made = Network(Shape(words=len(VOCABULARY), width=24, heads=HEADS, positions=64))
    for layer in made.layers:
        torch.nn.init.normal_(layer.output, std=0.5)
    return made


def said(network, batch, heard=None):
    first_hand = torch.arange(len(batch.first)) % 2 == 0
    return network(vectors_of(network, batch), batch.first, heard, first_hand=first_hand)[0]


def expected(logits, batch, inside):
    inside = inside & (batch.targets != UNKNOWN)
    return torch.nn.functional.cross_entropy(logits[inside], batch.targets[inside])


def asked(batch, kind):
    return batch.asked & (batch.kinds == KIND_IDS[kind])


def test_each_role_counts_the_same_however_many_questions_it_asks(network, batch):
    losses, logits = losses_of(network, batch, FREE), said(network, batch)
    roles = [expected(logits, batch, asked(batch, role)).item() for role in ROLES]
    assert losses.answers.tolist() == pytest.approx(roles, rel=1e-5)
    assert losses.whole.item() == pytest.approx(sum(roles) / len(roles), rel=1e-5)


def test_other_words_and_deeds_count_what_the_plan_says(network, batch):
    logits, free = said(network, batch), losses_of(network, batch, FREE).whole.item()
    others = expected(logits, batch, ~batch.asked).item()
    deeds = expected(logits, batch, asked(batch, DEED_KIND)).item()
    both = losses_of(network, batch, replace(FREE, other_words=0.5, deeds=0.25)).whole.item()
    assert both == pytest.approx(free + 0.5 * others + 0.25 * deeds, rel=1e-5)


def test_deeds_count_less_and_less_while_heads_are_parted(network, batch):
    every = [torch.ones(len(KINDS), HEADS, dtype=torch.bool)] * 2
    plan = replace(FREE, deeds=1.0)
    whole = [losses_of(network, batch, plan, Parting(every, done)).whole.item() for done in (0.0, 0.25, 0.5, 1.0)]
    assert whole[0] - whole[2] == pytest.approx(2 * (whole[1] - whole[2]), rel=1e-3)
    assert whole[2] == pytest.approx(whole[3])
    assert whole[0] > whole[2]


def test_half_of_the_windows_hear_only_the_heads_that_are_set_apart(network, batch):
    one = torch.zeros(len(KINDS), HEADS, dtype=torch.bool)
    one[:, 2] = True
    heard = [torch.ones(len(batch.first), HEADS, batch.tokens.shape[1], dtype=torch.bool) for _ in range(2)]
    for layer in heard:
        layer[: len(batch.first) // 2, [0, 1, 3]] = False
    roles = [expected(said(network, batch, heard), batch, asked(batch, role)).item() for role in ROLES]
    losses = losses_of(network, batch, FREE, Parting([one, one], 0.5))
    assert losses.answers.tolist() == pytest.approx(roles, rel=1e-5)
    assert losses.answers.tolist() != pytest.approx(losses_of(network, batch, FREE).answers.tolist(), rel=1e-3)


def test_prices_are_added(network, batch):
    assert losses_of(network, batch, replace(FREE, prices=Prices())).whole > losses_of(network, batch, FREE).whole


def test_shares_of_right_answers_are_counted_by_role(batch):
    right = (batch.kinds == KIND_IDS["syntax"]).float()
    assert by_role(right, batch).tolist() == [0.0, 1.0, 0.0, 0.0]
    nothing = replace(batch, asked=torch.zeros_like(batch.asked))
    assert mean_of(right, nothing, "syntax") == 0.0


def test_what_a_kind_needs_is_what_it_loses_without_a_head(network, batch):
    with torch.no_grad():
        network.layers[1].output[:6] = 0.0  # the first head of the second layer says nothing
    found = needs(network, batch)
    assert [one.shape for one in found] == [(len(KINDS), HEADS)] * 2
    assert torch.allclose(found[1][:, 0], torch.zeros(len(KINDS)), atol=1e-6)
    heard = [torch.ones(1, HEADS, 1) for _ in range(2)]
    heard[0][0, 3] = 0
    vectors = vectors_of(network, batch)
    whole, without = (network(vectors, batch.first, one)[0] for one in (None, heard))
    lost = expected(without, batch, asked(batch, "copying")) - expected(whole, batch, asked(batch, "copying"))
    assert found[0][KIND_IDS["copying"], 3].item() == pytest.approx(lost.item(), rel=1e-3, abs=1e-6)


def test_left_alone_heads_pass_on_what_others_wrote(network, batch):
    alone = losses_of(network, batch, replace(FREE, left_alone=True))
    logits = network(vectors_of(network, batch), batch.first)[0]
    roles = [expected(logits, batch, asked(batch, role)).item() for role in ROLES]
    assert alone.answers.tolist() == pytest.approx(roles, rel=1e-5)
    assert alone.answers.tolist() != pytest.approx(losses_of(network, batch, FREE).answers.tolist(), rel=1e-3)
