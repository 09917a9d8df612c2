"""How an error names a layer: our own word in the language of whoever reads it, and the model's own as it is."""

from __future__ import annotations

from collections.abc import Iterable

from attnviz.text.message import COMMA, Message, joined

MOST = 6  # layers that a sentence names


def layer_words(title: str) -> str:
    """A layer by its ``title``: of "layer 3" the word is ours, and of "decoder 3" it is the name of the model's stack."""
    word, _, number = title.partition(" ")
    return Message("layer {layer}", layer=number) if word == "layer" else title


def layers_words(titles: Iterable[str]) -> str:
    """Several of them, one after the other; of many the first."""
    every = [layer_words(title) for title in titles]
    names = joined(every[:MOST], COMMA)
    return Message("{names}, …", names=names) if len(every) > MOST else names
