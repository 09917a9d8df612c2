"""How tokens that show a part of a picture are called."""

from __future__ import annotations

from collections.abc import Sequence

import numpy

from attnviz.sources.huggingface.patches.reached import Patches


def patch_labels(patches: Patches, others: Sequence[str] | None = None) -> tuple[str, ...]:
    """r0c0, r0c1, … by row and column of what each token shows; of several parts of a picture p0r0c0, …

    others  the labels of the tokens that show none; None: [CLS] where one stands first, and their numbers
    """
    places, there = patches.cells[..., 0], patches.there
    sizes = numpy.maximum(patches.cells[..., 1] - places + 1, 1)
    usual = numpy.maximum(numpy.median(sizes[there], axis=0), 1) if there.any() else numpy.ones(3)
    rank = numpy.round(places / usual).astype(int)
    parts = bool(there.any() and places[there, 0].max() > 0)
    labels, alone = [], 0
    for token, shows in enumerate(there):
        if shows:
            part, row, column = rank[token]
            labels.append(f"p{part}r{row}c{column}" if parts else f"r{row}c{column}")
            continue
        if others is not None:
            labels.append(others[token])
        else:
            labels.append(f"[{alone}]" if alone or token else "[CLS]")
            alone += 1
    return tuple(labels)
