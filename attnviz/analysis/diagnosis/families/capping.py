"""Mistakes of the softcap (Gemma 2, 2408.00118): softcap · tanh(scaled scores / softcap), before anything is added."""

from __future__ import annotations

from collections.abc import Iterator

from attnviz.analysis.diagnosis.recipe import Recipe
from attnviz.analysis.diagnosis.registry import Fitted, Variant, mistake

SIZES = tuple(2.0 ** (step / 2) for step in range(-4, 17))


@mistake("softcap-missing")
def softcap_missing(meant: Recipe) -> Iterator[Variant]:
    """The scores are not capped."""
    if meant.softcap is not None:
        yield Variant(meant.but(softcap=None))


@mistake("softcap-before-scale")
def softcap_before_scale(meant: Recipe) -> Iterator[Variant]:
    """The scores are capped first, and scaled after."""
    if meant.softcap is not None and meant.scale != 1:
        yield Variant(meant.but(cap_at="scores"))


@mistake("softcap-after-mask")
def softcap_after_mask(meant: Recipe) -> Iterator[Variant]:
    """Bias and mask are added first, and capped too: what is hidden has a logit of −softcap."""
    if meant.softcap is not None:
        yield Variant(meant.but(cap_at="masked"))


@mistake("softcap-not-multiplied", pairs=False)
def softcap_not_multiplied(meant: Recipe) -> Iterator[Variant]:
    """tanh(scores / softcap), which is never multiplied by the softcap again."""
    if meant.softcap is not None:
        yield Variant(meant.but(cap_at="unmultiplied"))


@mistake("softcap-not-divided", pairs=False)
def softcap_not_divided(meant: Recipe) -> Iterator[Variant]:
    """softcap · tanh(scores): nothing is divided before."""
    if meant.softcap is not None:
        yield Variant(meant.but(cap_at="undivided"))


@mistake("softcap-clipped", pairs=False)
def softcap_clipped(meant: Recipe) -> Iterator[Variant]:
    """The scores are cut off at ± softcap, and not bent."""
    if meant.softcap is not None:
        yield Variant(meant.but(cap_at="clipped"))


@mistake("softcap-value", pairs=False)
def softcap_value(meant: Recipe) -> Iterator[Fitted]:
    """Another softcap."""
    if meant.softcap is not None:
        yield Fitted(lambda cap: meant.but(softcap=abs(cap)), SIZES)


@mistake("softcap-extra", pairs=False)
def softcap_extra(meant: Recipe) -> Iterator[Fitted]:
    """A softcap that was not asked for."""
    if meant.softcap is None:
        yield Fitted(lambda cap: meant.but(softcap=abs(cap)), SIZES)
