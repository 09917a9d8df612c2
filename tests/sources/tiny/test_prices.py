"""What heads' work costs, on numbers that can be checked by hand."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from attnviz.sources.tiny.network import Watched  # noqa: E402
from attnviz.sources.tiny.pool import KIND_IDS  # noqa: E402
from attnviz.sources.tiny.prices import HALF, Prices, company, overlap  # noqa: E402

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
NONE = 0.1  # what heads cost that do nothing, since a root has a slope at 0


def lap(first, second=QUIET):
    return overlap([first, second], KINDS).item()


def shared(first, second=QUIET):
    return company([first, second], KINDS).item()


def test_heads_that_share_nothing_cost_nothing():
    one = watched({"position": 2.0, "plain": 5.0}, {"meaning": 3.0, "plain": 5.0})
    assert lap(one) == 0.0
    assert shared(one) < NONE


@pytest.mark.parametrize("layer", [0, 1])
def test_a_head_pays_for_two_kinds_what_its_norms_multiply_to(layer):
    both = [QUIET, QUIET]
    both[layer] = watched({"syntax": 2.0, "meaning": 3.0}, {})
    assert lap(*both) == pytest.approx(6.0)
    both[layer] = watched({"syntax": 2.0, "meaning": 3.0, "copying": 5.0}, {})
    assert lap(*both) == pytest.approx(2 * 3 + 2 * 5 + 3 * 5 if layer else 2 * 3 + (2 + 3) * 5 / 3)
    assert shared(*both) < NONE


def test_in_the_first_layer_lists_and_the_word_before_are_one_kind():
    one = watched({"position": 3.0, "copying": 4.0}, {})
    assert lap(one) == 0.0
    assert lap(QUIET, one) == pytest.approx(12.0)


def test_two_heads_of_a_layer_pay_for_the_same_kind_nearly_as_much_where_one_is_soft():
    def cost(first, second):
        return shared(watched({"syntax": first}, {"syntax": second}))

    assert cost(HALF, HALF) == pytest.approx(0.25, abs=NONE)
    assert cost(90.0, HALF) == pytest.approx(0.5, abs=NONE)
    assert cost(90.0, HALF) < 1.1 * cost(9.0, HALF)  # a loud one is no dearer
    assert cost(9.0, 0.0) < NONE
    assert lap(watched({"syntax": 9.0}, {"syntax": 9.0})) == 0.0


@pytest.mark.parametrize(
    ("kind", "costs"), [("position", True), ("meaning", True), ("syntax", False), ("copying", False)]
)
def test_where_one_head_is_enough_those_of_both_layers_share(kind, costs):
    """Syntax and copying are built upon what the first layer does."""
    assert (shared(watched({kind: 9.0}, {}), watched({kind: 9.0}, {})) > 0.5) == costs


def test_what_is_in_no_role_s_sentences_costs_nothing():
    one = watched({"plain": 2.0}, {"plain": 3.0})
    assert lap(one) == 0.0
    assert shared(one) < NONE


def test_a_silent_head_has_a_slope():
    norms = torch.zeros(1, 2, 6, requires_grad=True)
    company([Watched(norms, norms), QUIET], KINDS).backward()
    assert torch.isfinite(norms.grad).all()


@pytest.mark.parametrize(
    ("step", "early", "late"), [(99, 0, 0), (150, 0.25, 0), (200, 1, 0), (250, 1, 0.25), (300, 1, 1), (999, 1, 1)]
)
def test_heads_are_parted_first_and_then_left_alone(step, early, late):
    one = watched({"syntax": 2.0, "meaning": 3.0}, {"syntax": 1.0})
    prices = Prices(norm=0.01, entropy=0.3, overlap=0.5, company=10.0, begin=100, later=200, full=300)
    first = 0.01 * (5 / 6 + 1 / 6) + 0.3 * 1.0 + 0.5 * 6.0
    assert prices.of(step, [one, QUIET], KINDS).item() == pytest.approx(early * first + late * 10.0 * shared(one))
