"""The plan that the package's own weights were trained by."""

from __future__ import annotations

from attnviz.sources.tiny.plan import Plan


def test_a_plan_is_the_same_each_time_and_cannot_be_changed():
    assert Plan(seed=3) == Plan(seed=3) != Plan(seed=4)
    assert hash(Plan()) == hash(Plan())


def test_a_window_is_shorter_than_a_text_may_be():
    from attnviz.sources.tiny.model import TinyModel

    assert Plan().length < 128 <= TinyModel.load().positions


def test_left_alone_nothing_parts_the_heads():
    plan = Plan.of(3, left_alone=True)
    assert (plan.left_alone, plan.seed, plan.deeds) == (True, 3, 0.0)
    prices = plan.prices
    assert (prices.second_hand, prices.norm, prices.entropy, prices.strangers) == (0, 0, 0, 0)
    assert Plan.of(3) == Plan(seed=3)
    assert Plan.of(3, 7) == Plan(seed=3, learning=7, parting=7)
