"""Mistakes of the mask: its polarity, its axes, and what becomes of the cells that it hides."""

from __future__ import annotations

from collections.abc import Iterator

import numpy

from attnviz.analysis.diagnosis.recipe import Array, Hiding, Recipe
from attnviz.analysis.diagnosis.registry import Fitted, Variant, mistake

PARTS = ({"mask": True, "band": True}, {"mask": True, "band": False}, {"mask": False, "band": True})

SIDES = (((1, 0), slice(0, -1)), ((0, 1), slice(1, None)))  # a row moved one key ahead, and one back


def _hidings(meant: Recipe) -> Iterator[dict[str, bool]]:
    """What may be hidden in a wrong way: all, the mask's part alone, or that of causal and window alone."""
    has_mask, has_band = meant.mask is not None, meant.is_causal or meant.has_window
    if has_mask and has_band:
        yield from PARTS
    elif has_mask or has_band:
        yield PARTS[0]


def _with_mask(meant: Recipe, mask: Array) -> Iterator[Variant]:
    if meant.mask is not None and not numpy.array_equal(mask, meant.mask):
        yield Variant(meant.but(mask=mask))


@mistake("mask-inverted")
def mask_inverted(meant: Recipe) -> Iterator[Variant]:
    """True hides, where True was meant to show."""
    if meant.mask is not None:
        yield Variant(meant.but(mask=~meant.mask))


@mistake("mask-missing")
def mask_missing(meant: Recipe) -> Iterator[Variant]:
    """The mask is not applied."""
    if meant.mask is not None:
        yield Variant(meant.but(mask=None))


@mistake("mask-added")
def mask_added(meant: Recipe) -> Iterator[Variant]:
    """The mask is added to the logits as 0 and 1, so that what it hides is only 1 lower; or higher, where 1 is what hides."""
    for part in _hidings(meant):
        yield Variant(meant.but(hiding=Hiding(plus=-1.0, **part)))
        yield Variant(meant.but(hiding=Hiding(plus=1.0, **part)))
    if meant.mask is not None and meant.sinks is not None:  # beside which it makes a difference who gets the 1
        for mask in (meant.mask, ~meant.mask):
            yield Variant(meant.but(mask=None, bias=mask + (0.0 if meant.bias is None else meant.bias)))


@mistake("mask-after-softmax")
def mask_after_softmax(meant: Recipe) -> Iterator[Variant]:
    """The weights are set to 0 after softmax, and add up to less than 1."""
    for part in _hidings(meant):
        yield Variant(meant.but(hiding=Hiding(after=True, **part)))


@mistake("mask-zero-scores")
def mask_zero_scores(meant: Recipe) -> Iterator[Variant]:
    """The scores of hidden cells become 0 and not −∞."""
    for part in _hidings(meant):
        yield Variant(meant.but(hiding=Hiding(fill=0.0, **part)))


@mistake("mask-too-weak", pairs=False)
def mask_too_weak(meant: Recipe) -> Iterator[Fitted]:
    """A number is added to hidden cells, or put there, that does not lie low enough; it is the value."""
    numbers = (*(-(2.0**step) for step in range(-1, 6)), 1.0, 4.0)
    for part in _hidings(meant):
        yield Fitted(lambda plus, part=part: meant.but(hiding=Hiding(plus=plus, **part)), numbers)  # type: ignore[misc]  # bound now, as the loop goes on
        yield Fitted(lambda fill, part=part: meant.but(hiding=Hiding(fill=fill, **part)), numbers)  # type: ignore[misc]


@mistake("mask-wrong-axis")
def mask_wrong_axis(meant: Recipe) -> Iterator[Variant]:
    """The mask is broadcast over another axis: of queries and not keys, of heads and not items."""
    mask = meant.mask
    if mask is None:
        return
    if mask.shape[2] == 1 and meant.queries == meant.keys:  # that of keys becomes one of queries
        yield from _with_mask(meant, mask.swapaxes(2, 3))
        yield from _with_mask(meant, mask & mask.swapaxes(2, 3))
    elif mask.shape[2] == mask.shape[3]:
        yield from _with_mask(meant, mask.swapaxes(2, 3))
    if mask.shape[0] == meant.heads and mask.shape[1] == 1 and meant.heads > 1:
        yield from _with_mask(meant, mask.swapaxes(0, 1))


@mistake("mask-wrong-side")
def mask_wrong_side(meant: Recipe) -> Iterator[Variant]:
    """The padding is hidden at the other end of the keys."""
    if meant.mask is not None:
        yield from _with_mask(meant, meant.mask[..., ::-1])


@mistake("mask-shifted", pairs=False)
def mask_shifted(meant: Recipe) -> Iterator[Variant]:
    """The mask is off by one key, or the padding by one token."""
    if meant.mask is not None and meant.keys > 1:
        mask = numpy.broadcast_to(meant.mask, (*meant.mask.shape[:3], meant.keys))
        for ahead in (False, True):
            near, far = (mask[..., :-1], mask[..., :1]) if ahead else (mask[..., 1:], mask[..., -1:])
            yield from _with_mask(meant, numpy.concatenate([far, near] if ahead else [near, far], axis=-1))
        if mask.shape[2] > 1:
            yield from _with_edges_moved(meant, mask)


def _with_edges_moved(meant: Recipe, mask: Array) -> Iterator[Variant]:
    """Each row's first or last key that is seen hidden, or one more seen; and blocks along the diagonal that begin a token
    late or early."""
    before, after = (numpy.pad(mask, ((0, 0),) * 3 + (side,))[..., cut] for side, cut in SIDES)
    for moved in (mask & before, mask & after, mask | before, mask | after):
        yield from _with_mask(meant, moved)
    if mask.shape[2] == mask.shape[3]:
        near = numpy.tril(numpy.ones(mask.shape[2:], bool)) if not numpy.triu(mask, 1).any() else True
        for side in ((1, 0), (0, 1)):
            padded = numpy.pad(mask, ((0, 0), (0, 0), side, side), mode="edge")
            late = padded[..., :-1, :-1] if side[0] else padded[..., 1:, 1:]
            yield from _with_mask(meant, late & near)


@mistake("mask-of-first-item", pairs=False)
def mask_of_first_item(meant: Recipe) -> Iterator[Variant]:
    """All items of the batch, or all heads, have the mask of the first."""
    if meant.mask is not None:
        for axis in (0, 1):
            if meant.mask.shape[axis] > 1:
                yield from _with_mask(meant, meant.mask.take([0], axis))


@mistake("mask-of-other-item", pairs=False)
def mask_of_other_item(meant: Recipe) -> Iterator[Variant]:
    """The items, or the heads, have the masks of those beside them; or items those that the heads count to, as where the mask
    was repeated (0 1 0 1) for all heads of all items and not (0 0 1 1)."""
    mask = meant.mask
    if mask is None:
        return
    for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
        yield from _with_mask(meant, numpy.roll(mask, step, axis))
    if mask.shape[1] == 1 < mask.shape[0]:
        places = numpy.arange(meant.items * meant.heads).reshape(meant.items, meant.heads) % meant.items
        yield from _with_mask(meant, mask[places, 0])


@mistake("chunks-as-window", pairs=False)
def chunks_as_window(meant: Recipe) -> Iterator[Variant]:
    """A window of a chunk's size slides where a query was meant to see the keys of its own chunk alone; the value is its size."""
    if meant.mask is None or meant.queries != meant.keys:
        return
    places = numpy.arange(meant.keys)
    seen, apart = meant.seen, places[:, None] - places
    size = int(seen[0, 0, :, 0].sum())
    chunks = (places[:, None] // max(size, 1) == places // max(size, 1)) & (apart >= 0)
    if 1 < size < meant.keys and bool((seen == chunks).all()):
        yield Variant(meant.but(mask=((apart >= 0) & (apart < size))[None, None]), float(size))


@mistake("mask-or-causal", pairs=False)
def mask_or_causal(meant: Recipe) -> Iterator[Variant]:
    """A key is seen that the mask or the causal rule shows; both must."""
    if meant.mask is not None and (meant.is_causal or meant.has_window):
        yield Variant(meant.but(either=True))
