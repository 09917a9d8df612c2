"""What a recipe knows of itself."""

from dataclasses import fields, replace

import numpy
import pytest
from diagnosed import RICH, evidence_of
from planted_attention import attention, hiding, problem

from attnviz.analysis.diagnosis.recipe import Band


def test_it_sees_what_torch_is_told_to_see():
    for options in RICH:
        meant = problem(numpy.random.default_rng(3), **options)
        recipe = evidence_of(meant, attention(meant)).meant
        seen = numpy.broadcast_to(recipe.seen, (recipe.items, recipe.heads, recipe.queries, recipe.keys))
        numpy.testing.assert_array_equal(seen, numpy.broadcast_to(hiding(meant).numpy(), seen.shape))
        assert recipe.hides == (not seen.all())
        assert (recipe.is_causal, recipe.has_window) == (meant.causal, meant.window is not None)
        assert recipe.whole.shape == (recipe.items, recipe.heads, recipe.queries)
        assert (recipe.key_heads, recipe.dimension) == (meant.kv_heads, meant.width)


def test_a_key_may_be_seen_by_either_of_mask_and_band():
    meant = problem(numpy.random.default_rng(3), **RICH[0])
    recipe = evidence_of(meant, attention(meant)).meant
    plain = recipe.but(bias=None)
    assert plain.but(either=True).seen.sum() > plain.seen.sum()


def test_a_band_that_shows_all_is_none():
    assert Band(numpy.inf, numpy.inf, 0).seen(numpy.arange(3), 3, 3) is None


def test_it_is_changed_as_dataclasses_change():
    meant = problem(numpy.random.default_rng(3), **RICH[0])
    recipe = evidence_of(meant, attention(meant)).meant
    assert recipe.seen.any()  # which is kept, and not handed on
    changed, other = recipe.but(bias=None, scale=2.0), replace(recipe, bias=None, scale=2.0)
    assert all(getattr(changed, one.name) is getattr(other, one.name) for one in fields(recipe) if one.name != "scale")
    assert changed.scale == other.scale == 2.0
    assert vars(changed).keys() == {one.name for one in fields(recipe)}
    with pytest.raises(TypeError, match="colour"):
        recipe.but(colour="red")
