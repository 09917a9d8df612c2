"""The public call that follows attention through layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attnviz.api.selected import selected
from attnviz.arguments import Chosen, Where, chosen, member, real_number
from attnviz.choices import RESIDUAL, RESIDUAL_LIMITS, Across, HeadsAs, Language
from attnviz.errors import AttnvizError

if TYPE_CHECKING:
    from attnviz.analysis.across.following import Following
    from attnviz.renderers.across.across_layers import AcrossLayers
    from attnviz.trace.trace import Trace


def across(
    trace: Trace,
    across: str,
    *,
    heads_as: str | None = None,
    residual: float | None = None,
    layer: Chosen = (),
    head: Chosen = (),
    query: Where | None = None,
    key: Where | None = None,
    skip_special: bool = False,
    words: bool = False,
    language: str = "en",
) -> AcrossLayers:
    """Which tokens the queries of ``trace`` read in the end, through all of its layers, as ``heatmap --across`` and ``stats --across``
    tell it: ``.values`` is the map and ``.shares`` is what each token gives.

    across      "rollout" or "flow" (Abnar & Zuidema 2020, 2005.00928, section 3); flow needs scipy
    heads_as    what stands for the heads of a layer: the "mean" of their weights (None, too), their "max", or their "contribution"
    residual    how much of a token goes past the heads of a layer, from 0 to 1; None: 0.5
    layer, head   numbers and ranges ("0,4-7"); nothing means all. The layers must follow each other
    query, key    a token, a position (3 or "@3") or positions ("A:B" or range(A, B)); of one query, the map goes layer by layer
    skip_special  leave out special tokens
    words       tell what goes from word to word: to a word goes the sum of its tokens' shares, and from it the mean
    language    in which it prints, "en" or "vi"

    AttnvizError where attention cannot be followed through these layers, or the flow of so many tokens takes too much.
    """
    following = following_of(across, heads_as, residual)
    assert following is not None
    trace, layer, head, following = words_across(trace, words, layer, head, following)
    selection = selected(trace, layer, head, query, key, skip_special).as_region()

    from attnviz.renderers.across.across_layers import AcrossLayers

    return AcrossLayers(trace, selection, following, member(Language, language, "language"))


def words_across(
    trace: Trace, words: bool, layer: Chosen, head: Chosen, following: Following
) -> tuple[Trace, Chosen, Chosen, Following]:
    """``trace`` as ``following`` goes through these layers and heads of it: of one stack and, if ``words`` are asked for, told in
    these, of which there is one layer alone."""
    from attnviz.analysis.across.way import in_one_stack, way_through

    trace = in_one_stack(trace, chosen("layer", layer))
    if not words:
        return trace, layer, head, following
    from attnviz.analysis.across.in_words import in_words

    selection = selected(trace, layer, head, None, None, skip_special=False)
    merged, merging = in_words(trace, way_through(trace, selection, following.heads_as, following.residual))
    return merged, (), (), following._replace(merging=merging)


def following_of(across: str | None, heads_as: str | None, residual: float | None, **beside: Any) -> Following | None:
    """How the arguments follow attention; None where ``across`` is None.

    AttnvizError where the others only say how, and for the first of what is given ``beside`` it that has no meaning there.
    """
    if across is None:
        for name, given in (("heads_as", heads_as), ("residual", residual)):
            if given is not None:
                raise AttnvizError("{name} is for across, which is not given", "add across='rollout'", name=name)
        return None
    for name, given in beside.items():
        if given is not None and given is not False:
            raise AttnvizError(
                "across follows the weights of all heads through layers, and {name} has no place there",
                "leave out one of the two",
                name=name,
            )
    from attnviz.analysis.across.following import Following

    return Following(
        member(Across, across, "across"),
        HeadsAs.MEAN if heads_as is None else member(HeadsAs, heads_as, "heads_as"),
        RESIDUAL if residual is None else real_number("residual", residual, RESIDUAL_LIMITS),
    )
