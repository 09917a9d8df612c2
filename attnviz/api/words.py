"""The public call that merges tokens to words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attnviz.arguments import Chosen, chosen

if TYPE_CHECKING:
    from attnviz.trace.trace import Trace


def by_words(trace: Trace, layer: Chosen = ()) -> Trace:
    """``trace`` with words in place of tokens, of each layer or of some: see ``Trace.by_words``."""
    from attnviz.analysis.words import by_words as merged

    return merged(trace, chosen("layer", layer))
