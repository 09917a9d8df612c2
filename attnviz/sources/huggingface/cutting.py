"""As much of a text as a model may read: how many tokens it takes, and where it is cut."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.inputs import position_count, tokens_in
from attnviz.sources.huggingface.pairs import pair_of
from attnviz.sources.texts.length import CutText, Length

if TYPE_CHECKING:
    from attnviz.sources.huggingface.model import Model


def fitted(model: Model, text: str, length: Length, chat: bool = False, pair: str | None = None) -> str:
    """The longest beginning of ``text`` that ``model`` may read, of this ``length`` and no longer than it has positions.

    A ``pair`` stands behind it whole: only the first of the two is cut. AttnvizError where nothing of it is left.
    """
    within = length.within(position_count(model.model))
    try:
        return within.fitted(text, partial(_cut_into, model, chat=chat, pair=pair))
    except AttnvizError as error:
        if pair is None:
            raise
        hint = "ask for more with --max-length, or give a shorter pair: it is never cut"
        raise AttnvizError(error.message, hint) from None


def _cut_into(model: Model, text: str, chat: bool, pair: str | None) -> CutText:
    """What is in front of a pair, as ``Length`` cuts it."""
    tokens = tokens_in(model, text, chat) if pair is None else pair_of(model, text, pair, chat, None)
    behind = {place for place, number in enumerate(tokens.facts.segments) if number != 0} | {*tokens.special}
    last = max((place for place in range(len(tokens.ids)) if place not in behind), default=-1)
    return CutText(len(tokens.ids), len(tokens.ids) - 1 - last, tokens.facts.spans)
