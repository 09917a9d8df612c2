"""What the heat map shows, decided as data."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy
import pytest
from made_roles import made_role

from attnviz import AttnvizError, Layer, Rule, Trace, attend, trace_text
from attnviz.analysis.maps import HIDING
from attnviz.choices import CONTRIBUTIONS, MapStep, Pool
from attnviz.renderers.heatmap.picture import Picture, View, decide
from attnviz.renderers.shared.scale import TOWERED, Scale
from attnviz.trace.generation import Generation
from attnviz.trace.selection import select
from tests.support.contributions import norms

ARRAY = numpy.array([[0.4, 0.1, 0.8], [0.5, 0.8, 0.6], [-0.5, 0.2, 0.6]])


def picture_of(trace, step=MapStep.WEIGHTS, title=None, **words) -> Picture:
    return decide(trace, select(trace, **words), step, title)


OF_SCORES = [step for step in MapStep if step not in CONTRIBUTIONS]


@pytest.mark.parametrize("step", OF_SCORES)
def test_a_panel_for_each_head_holds_its_own_map(trace, step):
    layer = trace.layers[0]
    steps = attend(layer.query, layer.key, layer.value, **vars(layer.rule))
    picture = picture_of(trace, step)
    assert len(picture.panels) == layer.heads
    for head, panel in enumerate(picture.panels):
        hidden, values = steps.hidden[head], getattr(steps, step.value)[head]
        hides = step in (MapStep.MASKED, MapStep.WEIGHTS)
        assert (panel.values == (numpy.where(hidden, -math.inf, values) if hides else values)).all()


def test_contributions_are_as_long_as_the_paper_says():
    trace = trace_text("Your journey starts", heads=2, causal=True)
    picture = picture_of(trace, MapStep.CONTRIBUTION)
    for panel, lengths in zip(picture.panels, norms(trace.layers[0]), strict=True):
        seen = numpy.tri(3, dtype=bool)
        assert (panel.values[~seen] == -math.inf).all()
        numpy.testing.assert_allclose(panel.values[seen], lengths[seen], rtol=1e-6)
    assert picture.title == "Contributions ‖α v W_O‖, 2 heads, causal"
    assert picture.measure == "contribution"
    assert not picture.scale.diverging


@pytest.mark.parametrize("step", list(MapStep))
def test_only_the_steps_after_masking_have_hidden_cells(traces, step):
    assert picture_of(traces["causal"](), step).hidden == (step in HIDING)
    assert not picture_of(traces["plain"](), step).hidden


def test_a_weight_that_rounds_to_zero_is_not_hidden():
    trace = Trace(("a", "b"), (Layer(ARRAY[:2] * 3000, ARRAY[:2] * 3000, ARRAY[:2]),))
    picture = picture_of(trace)
    assert 0.0 in picture.panels[0].values
    assert not picture.hidden


@pytest.mark.parametrize("step", OF_SCORES)
def test_one_scale_serves_all_panels_and_holds_every_value(trace, step):
    picture = picture_of(trace, step)
    values = numpy.concatenate([panel.values[numpy.isfinite(panel.values)] for panel in picture.panels])
    low, high = picture.scale[:2]
    assert low < high
    assert low <= values.min(initial=0.0)
    assert max(high, picture.scale.largest) >= values.max(initial=0.0)


@pytest.mark.parametrize("step", list(MapStep))
def test_scores_of_both_signs_have_two_equal_arms(traces, step):
    picture = picture_of(traces["four heads"](), step)
    assert picture.scale.diverging == (step not in TOWERED)
    if picture.scale.diverging:
        assert picture.scale.low == -picture.scale.high
    else:
        assert picture.scale.low == 0


def test_scores_of_one_sign_start_at_zero():
    trace = Trace(("a",), (Layer([[2.0]], [[3.0]], [[1.0]]),))
    assert picture_of(trace, MapStep.SCORES).scale == Scale(0.0, 6.0, 6.0)


def test_weights_that_do_not_tower_reach_to_the_largest(traces):
    picture = picture_of(traces["plain"]())
    assert picture.scale[:2] == (0.0, picture.scale.largest)
    assert picture.scale.largest == picture.panels[0].values.max()


def test_a_few_towering_weights_leave_the_scale_and_the_largest_is_kept(make):
    picture = picture_of(make(200, causal=True, size=0.1))
    values = picture.panels[0].values
    usual = numpy.quantile(values[values > -math.inf], 0.99)
    assert picture.scale.largest == 1.0
    assert picture.scale.high == pytest.approx(usual, rel=0.5)
    assert float(f"{picture.scale.high:.1g}") == picture.scale.high


def test_a_picture_in_which_all_is_hidden_has_a_scale_all_the_same(traces):
    picture = picture_of(traces["all blind"]())
    assert picture.scale[:2] == (0.0, 1.0)
    assert picture.hidden


def test_a_picture_in_which_all_is_hidden_says_so(traces, make):
    assert picture_of(traces["all blind"]()).title == "Attention weights, all pairs hidden"
    assert picture_of(traces["all blind"](), title="Mine").subtitle.endswith(" · all pairs hidden")
    causal = make(30, causal=True)
    assert picture_of(causal, query="0:10", key="20:30").title.endswith("keys 20–29, all pairs hidden")
    assert "all pairs" not in picture_of(causal, MapStep.SCALED, query="0:10", key="20:30").title
    assert "all pairs" not in picture_of(causal, query="0:10", key="9:30").title


def test_labels_are_the_tokens_of_each_side(traces):
    picture = picture_of(traces["cross"]())
    assert picture.queries == ("word0", "word1", "word2")
    assert picture.keys == tuple(f"key{place}" for place in range(5))
    assert picture.panels[0].values.shape == (3, 5)


@pytest.mark.parametrize(
    ("token", "label"),
    [
        ("short", "short"),
        ("x" * 20, "x" * 13 + "…"),
        (" a", "·a"),
        ("\x1b", "\\x1b"),
        ("\n", "\\n"),
        ("日" * 9, "日" * 6 + "…"),
    ],
)
def test_labels_are_short_and_show_what_cannot_be_seen(token, label):
    assert picture_of(Trace((token,), (Layer([[1.0]], [[1.0]], [[1.0]]),))).keys == (label,)


def test_only_the_heads_asked_for_are_panels(traces):
    picture = picture_of(traces["four heads"](), head=["2", "0"])
    assert [panel.title for panel in picture.panels] == ["Head 2", "Head 0"]


def test_a_head_that_shares_its_keys_says_whose(traces):
    titles = [panel.title for panel in picture_of(traces["grouped heads"]()).panels]
    assert titles == ["Head 0 · kv 0", "Head 1 · kv 0", "Head 2 · kv 1", "Head 3 · kv 1"]


def test_panels_of_several_layers_name_their_layer():
    trace = Trace(("a", "b", "c"), tuple(Layer(ARRAY, ARRAY, ARRAY, index=index) for index in (2, 5)))
    picture = picture_of(trace)
    assert [panel.title for panel in picture.panels] == ["Layer 2 · head 0", "Layer 5 · head 0"]
    assert picture.title == "Attention weights, 2 heads of 2 layers"


@pytest.mark.parametrize("other", [{"tokens": ("a", "b", "x")}, {"key_tokens": ("x", "b", "c")}])
def test_layers_of_different_tokens_do_not_share_a_picture(other):
    layers = (Layer(ARRAY, ARRAY, ARRAY), Layer(ARRAY, ARRAY, ARRAY, index=1, **other))
    with pytest.raises(AttnvizError, match="layers 0 and 1 have different tokens"):
        picture_of(Trace(("a", "b", "c"), layers))


@pytest.mark.parametrize(
    ("words", "chosen", "step", "title"),
    [
        ({}, {}, MapStep.WEIGHTS, "Attention weights"),
        ({"causal": True}, {}, MapStep.WEIGHTS, "Attention weights, causal"),
        ({"causal": True, "window": 2}, {}, MapStep.MASKED, "Masked attention scores, causal, window 2"),
        ({"heads": 4}, {}, MapStep.SCORES, "Attention scores Q Kᵀ, 4 heads"),
        ({"heads": 4}, {"head": ["3"]}, MapStep.SCALED, "Scaled attention scores, layer 0, head 3"),
    ],
)
def test_the_title_says_what_is_drawn(words, chosen, step, title):
    assert picture_of(trace_text("Your journey starts", **words), step, **chosen).title == title


def test_the_title_of_one_head_that_shares_its_keys_says_its_number(traces):
    assert picture_of(traces["grouped heads"](), head=["3"]).title == "Attention weights, layer 0, head 3"


@pytest.mark.parametrize(
    ("given", "title"),
    [("My own title", "My own title"), ("", ""), ("two  spaces", "two  spaces"), ("a\nb\x1b", "a\\nb\\x1b")],
)
def test_a_title_of_ones_own_is_one_safe_line(traces, given, title):
    assert picture_of(traces["plain"](), title=given).title == title


def test_the_line_below_the_title_is_the_text(traces):
    assert picture_of(traces["plain"]()).subtitle == "“Your journey starts with one step”"
    assert picture_of(traces["forty tokens"]()).subtitle == "“" + " ".join(f"w{place}" for place in range(12)) + " …”"


@pytest.mark.parametrize(
    ("probabilities", "told"), [((0.412,), "then it chose “d\\x1b” (41 %)"), ((), "then it chose “d\\x1b”")]
)
def test_what_a_model_chose_last_stands_in_that_line_and_is_no_row(probabilities, told):
    written = Generation(("d\x1b",), probabilities)
    trace = Trace(("a", "b", "c"), (Layer(ARRAY, ARRAY, ARRAY),), generation=written)
    picture = picture_of(trace)
    assert picture.subtitle == f"“a b c” · {told}"
    assert picture.queries == ("a", "b", "c")


def test_scores_are_shown_where_they_are_hidden_from_softmax():
    trace = Trace(("a", "b", "c"), (Layer(ARRAY, ARRAY, ARRAY, Rule(causal=True)),))
    assert numpy.isfinite(picture_of(trace, MapStep.SCALED).panels[0].values).all()


def test_hidden_tokens_are_in_no_map_and_what_they_took_is_said():
    zeros = numpy.zeros((2, 4, 3))
    trace = Trace(tuple("abcd"), (Layer(zeros, zeros, zeros),), {"ids": [5, 6, 7, 8], "special": [0]})
    picture = picture_of(trace, skip_special=True)
    assert (picture.queries, picture.keys) == (("b", "c", "d"), ("b", "c", "d"))
    assert all((panel.values == 0.25).all() and panel.values.shape == (3, 3) for panel in picture.panels)
    assert picture.subtitle == "“b c d” · special tokens hidden: they took on average 25 % of the weights"
    assert "hidden" not in picture_of(trace).subtitle


def test_a_long_text_is_pooled_and_its_labels_are_round_positions(make):
    trace = make(1500, tokens=tuple(map(str, range(1500))))
    picture = decide(trace, select(trace), view=View(Pool.MAX, 100))
    assert picture.pooled
    assert (picture.pool, picture.cell) == (Pool.MAX, (15, 15))
    assert picture.title.endswith("100 × 100 cells of 15 × 15 tokens, max")
    assert {label for label in picture.queries if label} >= {"0", "400", "1,000"}
    assert picture.dpi == 150


def test_layers_of_several_stacks_are_named_by_these():
    layers = (
        Layer(ARRAY, ARRAY, ARRAY, name="encoder 0"),
        Layer(ARRAY[:2], ARRAY, ARRAY, name="cross 0", tokens=("x", "y"), key_tokens=("a", "b", "c")),
    )
    with pytest.raises(AttnvizError, match="encoder 0 and cross 0 have different tokens"):
        picture_of(Trace(("a", "b", "c"), layers))


@pytest.mark.parametrize(("tokens", "subtitle"), [(("0", "1", "2"), "q.npz"), (("a", "b", "c"), "“a b c”")])
def test_arrays_without_tokens_are_called_by_their_file(tokens, subtitle):
    trace = Trace(tokens, (Layer(ARRAY, ARRAY, ARRAY),), {"kind": "arrays", "file": "q.npz"})
    assert picture_of(trace).subtitle == subtitle


@pytest.mark.parametrize(("several", "titles"), [(False, ("H0", "H1")), (True, ("L0H0", "L0H1", "cr3H0", "cr3H1"))])
def test_short_titles_tell_heads_apart_too(several, titles):
    heads = numpy.stack([ARRAY, ARRAY])
    layers = (Layer(heads, heads, heads), Layer(heads, heads, heads, index=3, name="cross 3"))
    picture = picture_of(Trace(("a", "b", "c"), layers if several else layers[:1]))
    assert tuple(panel.short_title for panel in picture.panels) == titles


@pytest.mark.parametrize(("words", "shows"), [({}, (False, False)), ({"query": "1:3", "key": "0:2"}, (True, True))])
def test_positions_stand_beside_the_tokens_of_a_region_alone(make, words, shows):
    assert picture_of(make(4), **words).shows_positions == shows
    assert picture_of(make(4, tokens=tuple("0123")), **words).shows_positions == (False, False)


def test_a_head_wears_its_role(traces):
    trace = replace(traces["four heads"](), roles=(made_role(layer=0, head=2),))
    titles = [panel.title for panel in decide(trace, select(trace)).panels]
    assert titles == ["Head 0", "Head 1", "Head 2 · syntax (proved)", "Head 3"]
    assert "head 2 · syntax (proved)" in decide(trace, select(trace, head=["2"])).title
