"""What heads' work costs, on numbers that can be checked by hand, and which heads are set apart for what."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from attnviz.sources.tiny.grammar import DEED_KIND, KINDS, PLAIN_KIND  # noqa: E402
from attnviz.sources.tiny.network import Watched  # noqa: E402
from attnviz.sources.tiny.pool import KIND_IDS  # noqa: E402
from attnviz.sources.tiny.prices import Prices, left_alone, set_apart  # noqa: E402


def watched(norms, second):
    """One text of two words: (heads, words) each."""
    norms, second = (torch.tensor([of]) for of in (norms, second))
    return Watched(norms, torch.full_like(norms, 0.5), second)


def one_of(*alike):
    return [alike[0], alike[0]] if len(alike) == 1 else list(alike)


@pytest.mark.parametrize(("parting", "share"), [(0.0, 0.0), (0.25, 0.25), (0.5, 1.0), (0.9, 1.0)])
def test_the_prices_of_parting_rise_slowly_and_then_stay(parting, share):
    layers = one_of(watched([[1.0, 3.0], [0.0, 2.0]], [[0.0, 1.0], [0.0, 0.0]]))
    may = torch.tensor([[[True, True], [True, False]]])  # the second head is a stranger at the second word
    prices = Prices(second_hand=0.1, norm=0.01, entropy=0.3, strangers=0.5, full=0.5)
    norm, entropy, strange, second = 2 * (2.0 + 1.0), 0.5, 2 * 1.0, 2 * 0.5
    expected = 0.1 * second + share * (0.01 * norm + 0.3 * entropy + 0.5 * strange)
    assert prices.of(layers, [may, may], parting).item() == pytest.approx(expected)


def test_before_heads_are_set_apart_only_what_is_passed_on_second_hand_costs():
    layers = one_of(watched([[9.0, 9.0]], [[2.0, 4.0]]))
    assert Prices(second_hand=0.1).of(layers, None, 0.0).item() == pytest.approx(0.1 * 2 * 3.0)


def needs(**by_kind):
    """(kinds, heads): nothing is needed but what is named."""
    need = torch.zeros(len(KINDS), 4)
    for kind, heads in by_kind.items():
        need[KIND_IDS[kind]] = torch.tensor(heads)
    return need


def busy(allowed, kind):
    return allowed[KIND_IDS[kind]].nonzero().flatten().tolist()


def test_each_kind_keeps_the_head_that_it_needs_most():
    first = needs(position=[0, 0, 5, 1.0], copying=[0, 0, 4, 0.0], syntax=[1, 0, 0, 0.0], meaning=[0, 0.1, 0, 0])
    second = needs(syntax=[0, 3, 0, 0.0], copying=[2, 0, 0, 0.0], meaning=[0, 0, 0, 2.0])
    one, two = set_apart([first, second])
    assert busy(one, "position") == busy(one, "copying") == [2]
    assert (
        busy(one, "syntax") == busy(one, DEED_KIND) == [0, 1, 3]
    )  # all that are left: meaning lives in the second layer
    assert busy(one, "meaning") == []
    assert (busy(two, "syntax"), busy(two, "copying"), busy(two, "meaning")) == ([1], [0], [3])
    assert (busy(two, DEED_KIND), busy(two, "position")) == ([1], [])
    assert busy(one, PLAIN_KIND) == busy(two, PLAIN_KIND) == [0, 1, 2, 3]


def test_meaning_lives_where_it_is_needed_most_and_no_head_serves_two():
    first = needs(position=[5, 4, 0, 0.0], meaning=[9, 1, 0, 0.0])
    one, two = set_apart([first, needs(syntax=[1.0, 0, 0, 0], copying=[1.0, 0.9, 0, 0])])
    assert busy(one, "position") == [1]  # it gives way: meaning needs that one more
    assert busy(one, "meaning") == [0]
    assert busy(one, "syntax") == [2, 3]
    assert busy(two, "meaning") == []
    assert {tuple(busy(two, kind)) for kind in ("syntax", "copying")} == {(0,), (1,)}


def test_less_than_no_need_is_none():
    one, _ = set_apart([needs(position=[-9, 1, 0, 0.0], copying=[0, 0.5, 0, 0]), needs(meaning=[1.0, 0, 0, 0])])
    assert busy(one, "position") == [1]


def test_left_alone_every_head_may_be_busy_with_everything():
    assert all(one.all() for one in left_alone([needs(), needs()]))
