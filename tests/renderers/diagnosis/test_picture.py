"""The picture of a diagnosis: what is subtracted from what, on which scales, and what its title says."""

from __future__ import annotations

from dataclasses import replace

import numpy
import pytest
from made_diagnoses import CORRECT, INFINITE, ONE, PAIR, SEVERAL, TOP_LEFT, UNKNOWN, compared, made
from numpy.testing import assert_array_equal

from attnviz.analysis.diagnosis.result import Verdict
from attnviz.choices import Language
from attnviz.errors import AttnvizError
from attnviz.renderers.diagnosis.picture import decide
from attnviz.renderers.heatmap.chain import MOST_CELLS, Chain
from attnviz.renderers.heatmap.chain_figure import draw_chain
from attnviz.renderers.heatmap.figure import draw
from attnviz.renderers.heatmap.picture import Picture
from attnviz.text.lessons import lessons

WORDS = lessons()


def values(chain):
    return [one.panels[0].values for one in chain.maps]


def test_computed_less_meant_is_the_difference():
    chain = decide(ONE, WORDS)
    computed, meant, difference = values(chain)
    assert_array_equal(computed, ONE.compared[0].computed)
    assert_array_equal(meant, ONE.compared[0].meant)
    assert_array_equal(difference, computed - meant)
    assert [one.title for one in chain.maps] == ["Computed", "Meant", "Difference"]
    assert [one.sign for one in chain.between] == ["−", "="]


def test_both_share_a_scale_and_the_difference_has_0_in_the_middle():
    computed, meant, difference = (one.scale for one in decide(ONE, WORDS).maps)
    assert computed == meant
    assert difference.diverging
    assert difference.high == -difference.low == abs(values(decide(ONE, WORDS))[2]).max()


@pytest.mark.parametrize(("factor", "shift", "diverging"), [(50.0, 0.0, False), (1.0, -0.5, True)])
def test_what_is_no_weights_has_a_scale_of_its_own(factor, shift, diverging):
    one = compared()
    found = made(Verdict.UNKNOWN, compared=(one._replace(computed=one.computed * factor + shift),))
    computed, meant, difference = (one.scale for one in decide(found, WORDS).maps)
    assert meant.high == one.meant.max()
    assert computed.high >= abs(one.computed * factor + shift).max()
    assert (computed.diverging, difference.diverging) == (diverging, True)


def test_the_title_says_the_mistake_and_the_subtitle_where():
    chain = decide(ONE, WORDS)
    assert chain.title == f"{WORDS.say('mistake.causal-top-left')} (error 0.41 → 2e-7)"
    assert chain.subtitle == "causal-top-left · head 3"
    assert decide(PAIR, WORDS).subtitle == "scale-value + groups-tiled · head 3"
    assert decide(SEVERAL, WORDS).title.startswith("One of 2 explanations: ")
    assert decide(UNKNOWN, WORDS).title == "No mistake that I know explains it (error 0.41)"
    found = made(Verdict.MISTAKE, (TOP_LEFT,), compared=(compared(item=2, start=10),))
    assert decide(found, WORDS).subtitle == "causal-top-left · batch item 2 · head 3 · Queries 10 to 15"
    assert decide(found, WORDS).maps[0].queries == ("10", "11", "12", "13", "14", "15")


def test_what_is_too_large_is_cut_around_the_largest_difference():
    large = compared(300, 500)
    large.computed[290, 20] += 5
    chain = decide(made(Verdict.MISTAKE, (TOP_LEFT,), compared=(large,)), WORDS)
    difference = values(chain)[2]
    assert difference.shape == (MOST_CELLS, MOST_CELLS)
    assert difference.max() == (large.computed - large.meant).max()
    assert chain.subtitle.endswith("Queries 100 to 299 · Keys 0 to 199")


def test_where_it_is_not_known_what_was_computed_what_was_meant_stands_alone():
    picture = decide(INFINITE, WORDS)
    assert isinstance(picture, Picture)
    assert_array_equal(picture.panels[0].values, INFINITE.compared[0].meant)
    assert picture.subtitle == "Meant · head 3"
    draw(picture)


def test_what_is_no_number_is_left_white():
    one = compared()
    one.computed[2] = numpy.nan
    found = made(Verdict.MISTAKE, (TOP_LEFT,), compared=(one,))
    chain = decide(found, WORDS)
    assert numpy.isnan(values(chain)[2][2]).all()
    assert numpy.isfinite(chain.maps[2].scale.high)
    draw_chain(chain)


def test_equal_maps_have_a_scale():
    one = compared()
    found = made(Verdict.MISTAKE, (TOP_LEFT,), compared=(one._replace(computed=one.meant),))
    assert decide(found, WORDS).maps[2].scale.high == 1.0


def test_it_can_be_drawn():
    chain = decide(SEVERAL, WORDS)
    assert isinstance(chain, Chain)
    draw_chain(chain)


def test_python_gets_it_to_show_and_to_save(tmp_path):
    drawing = replace(ONE, language=Language.VI).heatmap(tmp_path / "one.svg")
    assert drawing.drawing.picture.title.startswith("Mặt nạ nhân quả")
    assert "causal-top-left" in (tmp_path / "one.svg").read_text(encoding="utf-8")
    assert ONE.heatmap()._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(AttnvizError, match="its suffix is not one of"):
        ONE.heatmap(tmp_path / "one.xlsx")


@pytest.mark.parametrize("verdict", [Verdict.CORRECT, Verdict.UNKNOWN])
def test_without_weights_there_is_no_picture(verdict):
    assert CORRECT.compared == ()
    with pytest.raises(AttnvizError, match=r"the output is correct|no weights can be told"):
        decide(made(verdict, compared=()), WORDS)
