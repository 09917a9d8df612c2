"""What heads' work costs, on numbers that can be checked by hand."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from attnviz.sources.tiny.network import Watched  # noqa: E402
from attnviz.sources.tiny.pool import KIND_IDS  # noqa: E402
from attnviz.sources.tiny.prices import HALF, Prices, busyness, loudness, shared  # noqa: E402

PLACES = {"position": 0, "syntax": 2, "meaning": 3, "copying": 4, "plain": 5}
KINDS = torch.tensor([[KIND_IDS[kind] for kind in ("position", *PLACES)]])  # two tokens of position, one of each other


def watched(*heads):
    """One text; for each head the norms in each kind of sentence, 0 where none is named."""
    norms = torch.zeros(1, len(heads), 6)
    for number, head in enumerate(heads):
        for kind, norm in head.items():
            norms[0, number, PLACES[kind]] = norm
            if kind == "position":
                norms[0, number, 1] = norm
    return Watched(norms, torch.ones_like(norms))


QUIET = watched({}, {})


def loud(first, second=QUIET):
    return shared([first, second], KINDS, loudness).item()


def test_heads_that_share_nothing_cost_nothing():
    assert loud(watched({"position": 2.0, "plain": 5.0}, {"meaning": 3.0, "plain": 5.0})) == 0.0
    assert loud(QUIET, watched({"syntax": 2.0}, {"copying": 3.0})) == 0.0


@pytest.mark.parametrize("layer", [0, 1])
def test_a_head_pays_for_two_kinds_what_its_norms_multiply_to(layer):
    both = [QUIET, QUIET]
    both[layer] = watched({"syntax": 2.0, "meaning": 3.0}, {})
    assert loud(*both) == pytest.approx(6.0)
    both[layer] = watched({"syntax": 2.0, "meaning": 3.0, "copying": 5.0}, {})
    assert loud(*both) == pytest.approx(2 * 3 + 2 * 5 + 3 * 5 if layer else 2 * 3 + (2 + 3) * 5 / 3)


def test_in_the_first_layer_lists_and_the_word_before_are_one_kind():
    one = watched({"position": 3.0, "copying": 4.0}, {})
    assert loud(one) == 0.0
    assert loud(QUIET, one) == pytest.approx(12.0)


def test_two_heads_of_a_layer_pay_for_the_same_kind():
    assert loud(watched({"syntax": 2.0}, {"syntax": 3.0})) == pytest.approx(6.0)
    assert loud(watched({"plain": 2.0}, {"plain": 3.0})) == 0.0


@pytest.mark.parametrize(("kind", "costs"), [("position", 6.0), ("meaning", 6.0), ("syntax", 0.0), ("copying", 0.0)])
def test_where_one_head_is_enough_those_of_both_layers_share(kind, costs):
    """Syntax and copying are built upon what the first layer does."""
    assert loud(watched({kind: 2.0}, {}), watched({kind: 3.0}, {})) == pytest.approx(costs)


def test_loudness_is_a_mean_over_the_tokens_that_count():
    norms, inside = torch.tensor([[[1.0, 2.0, 9.0], [3.0, 5.0, 9.0]]]), torch.tensor([[[1.0, 1.0, 0.0]]])
    assert loudness(norms, inside).tolist() == [1.5, 4.0]
    assert loudness(norms, torch.zeros(1, 1, 3)).tolist() == [0.0, 0.0]


def test_a_soft_head_is_nearly_as_busy_as_a_loud_one():
    norms = torch.tensor([[[0.0], [HALF], [3 * HALF], [100.0]]])
    silent, half, more, loudest = busyness(norms, torch.ones(1, 1, 1)).tolist()
    assert silent < 0.01
    assert half == pytest.approx(0.5, abs=1e-3)
    assert more == pytest.approx(0.75, abs=1e-3)
    assert 0.99 < loudest < 1.0


def test_a_silent_head_has_a_slope():
    norms = torch.zeros(1, 1, 4, requires_grad=True)
    busyness(norms, torch.ones(1, 1, 4)).sum().backward()
    assert torch.isfinite(norms.grad).all()


@pytest.mark.parametrize(
    ("step", "early", "late"), [(99, 0, 0), (150, 0.25, 0), (200, 1, 0), (250, 1, 0.25), (300, 1, 1), (999, 1, 1)]
)
def test_heads_are_parted_by_loudness_first_and_then_by_what_is_left(step, early, late):
    one = watched({"syntax": 2.0, "meaning": 3.0}, {"syntax": 1.0})
    prices = Prices(norm=0.01, entropy=0.3, loud=0.5, busy=10.0, begin=100, later=200, full=300)
    first = 0.01 * (5 / 6 + 1 / 6) + 0.3 * 1.0 + 0.5 * (6.0 + 2.0)
    busy = shared([one, QUIET], KINDS, busyness).item()
    assert prices.of(step, [one, QUIET], KINDS).item() == pytest.approx(early * first + late * 10.0 * busy)
