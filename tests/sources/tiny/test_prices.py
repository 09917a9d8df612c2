"""What heads' work costs, on numbers that can be checked by hand."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from attnviz.sources.tiny.network import Watched  # noqa: E402
from attnviz.sources.tiny.pool import KIND_IDS  # noqa: E402
from attnviz.sources.tiny.prices import Prices, company, overlap  # noqa: E402

POSITION, SYNTAX, MEANING, COPYING = (KIND_IDS[kind] for kind in ("position", "syntax", "meaning", "copying"))
KINDS = torch.tensor([[POSITION, POSITION, SYNTAX, MEANING, COPYING, KIND_IDS["plain"]]])


def watched(*heads):
    """One text; for each head its norms over the six tokens."""
    norms = torch.tensor(heads)[None]
    return Watched(norms, torch.ones_like(norms))


QUIET = watched([0.0] * 6, [0.0] * 6)


def test_a_head_that_serves_one_kind_costs_nothing():
    one = watched([2.0, 2.0, 0.0, 0.0, 0.0, 5.0], [0.0, 0.0, 0.0, 3.0, 0.0, 5.0])
    assert overlap([one, one], KINDS) == 0.0
    assert company([one, one], KINDS) == 0.0


def test_a_head_pays_for_two_kinds_what_their_norms_multiply_to():
    one = watched([0.0, 0.0, 2.0, 3.0, 0.0, 0.0], [0.0] * 6)
    assert overlap([one, QUIET], KINDS) == pytest.approx(6.0)
    assert overlap([QUIET, one], KINDS) == pytest.approx(6.0)
    assert company([one, one], KINDS) == 0.0


def test_for_three_kinds_it_pays_for_all_pairs():
    one = watched([0.0, 0.0, 2.0, 3.0, 5.0, 0.0], [0.0] * 6)
    assert overlap([QUIET, one], KINDS) == pytest.approx(2 * 3 + 2 * 5 + 3 * 5)


def test_in_the_first_layer_lists_and_the_word_before_are_one_kind():
    one = watched([4.0, 2.0, 0.0, 0.0, 3.0, 0.0], [0.0] * 6)
    assert overlap([one, QUIET], KINDS) == 0.0
    assert overlap([QUIET, one], KINDS) == pytest.approx(3.0 * 3.0)  # the mean of position is (4 + 2) / 2


def test_two_heads_of_a_layer_pay_for_the_same_kind():
    one = watched([0.0, 0.0, 2.0, 0.0, 0.0, 0.0], [0.0, 0.0, 3.0, 0.0, 0.0, 9.0])
    assert company([one, QUIET], KINDS) == pytest.approx(6.0)
    assert overlap([one, QUIET], KINDS) == 0.0
    first, second = (
        watched([0.0, 0.0, 2.0, 0.0, 0.0, 0.0], [0.0] * 6),
        watched([0.0, 0.0, 3.0, 0.0, 0.0, 0.0], [0.0] * 6),
    )
    assert company([first, second], KINDS) == 0.0  # one helps the other, a layer apart


def test_a_kind_that_is_absent_costs_nothing():
    one = watched([1.0] * 6, [1.0] * 6)
    only = torch.full((1, 6), SYNTAX)
    assert overlap([one, QUIET], only) == 0.0
    assert company([one, QUIET], only) == pytest.approx(1.0)


@pytest.mark.parametrize(("step", "share"), [(0, 0.0), (100, 0.0), (150, 0.25), (200, 1.0), (999, 1.0)])
def test_prices_rise_once_the_answers_are_right(step, share):
    one = watched([0.0, 0.0, 2.0, 3.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0, 0.0, 1.0])
    prices = Prices(norm=0.01, entropy=0.3, overlap=1.0, company=10.0, begin=100, full=200)
    whole = 0.01 * (5 / 6 + 2 / 6) + 0.3 * 1.0 + 1.0 * 6.0 + 10.0 * 2.0
    entropy_of_quiet = Watched(QUIET.norms, torch.ones_like(QUIET.norms))
    assert prices.of(step, [one, entropy_of_quiet], KINDS).item() == pytest.approx(share * whole)
