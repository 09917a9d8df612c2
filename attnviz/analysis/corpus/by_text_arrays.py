"""The rows of many texts as arrays, which a file of statistics can hold beside its own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy

from attnviz.analysis.corpus.by_text import MeasuredLayer, TextRows
from attnviz.errors import AttnvizError

VALUES, ABOUT = "rows.values", "rows.about"


def rows_arrays(texts: Sequence[TextRows]) -> dict[str, numpy.ndarray]:
    """All numbers behind each other, and JSON that says of what they are, as bytes: texts, and each set of layers once."""
    layers: dict[tuple[Any, ...], int] = {}
    named = [(text.name, text.tokens, layers.setdefault(_layers_of(text), len(layers))) for text in texts]
    about = json.dumps({"texts": named, "layers": list(layers)}).encode()
    numbers = [layer.values.reshape(-1) for text in texts for layer in text.layers]
    return {
        VALUES: numpy.concatenate([numpy.empty(0), *numbers]).astype("<f8"),
        ABOUT: numpy.frombuffer(about, "u1"),
    }


def rows_of(arrays: Mapping[str, numpy.ndarray], metrics: int) -> list[TextRows]:
    """What ``rows_arrays`` wrote, of so many ``metrics``; AttnvizError where it is not there, or not all of it."""
    try:
        about = json.loads(arrays[ABOUT].tobytes())
        left = arrays[VALUES]
        texts = []
        for name, tokens, place in about["texts"]:
            layers = []
            for title, number, heads in about["layers"][place]:
                own, left = numpy.split(left, [metrics * len(heads)])
                layers.append(MeasuredLayer(title, number, tuple(heads), own.reshape(metrics, len(heads))))
            texts.append(TextRows(name, tokens, tuple(layers)))
    except (KeyError, IndexError, TypeError, ValueError, RecursionError):
        raise AttnvizError("its rows of texts are missing or damaged") from None
    if left.size:
        raise AttnvizError("its rows of texts are missing or damaged")
    return texts


def _layers_of(text: TextRows) -> tuple[Any, ...]:
    return tuple((layer.title, layer.number, layer.heads) for layer in text.layers)
