"""The tiny model's trained numbers, and the file in the package that holds them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy

from attnviz.errors import AttnvizError
from attnviz.sources.tiny.letters import ROWS
from attnviz.trace.safetensors import read_safetensors, write_safetensors

SHIPPED = Path(__file__).parent / "tiny.safetensors"
MATRICES = ("query", "key", "value", "output")


@dataclass(frozen=True, eq=False)
class LayerWeights:
    """One attention layer.

    query, key, value, output  (width, width): W_Q, W_K, W_V and W_O, the heads side by side in the columns (W_O: rows)
    bias                       (heads, far + 1): what is added to a score at each distance, from 0 on; farther keys share the last
    """

    query: numpy.ndarray
    key: numpy.ndarray
    value: numpy.ndarray
    output: numpy.ndarray
    bias: numpy.ndarray


@dataclass(frozen=True, eq=False)
class Weights:
    """All numbers of the model.

    words        the vocabulary: a word's id is its place
    own          (words, width): each known word's own vector
    spelling     (ROWS, width): vectors of endings and beginnings (letters.py), summed for every word
    positions    (positions, width): what each place in the text adds
    layers       first to last
    unembedding  (width, words): from the text after the last layer to logits
    offset       (words,): added to the logits
    facts        what the file says of its training, such as the seed
    """

    words: tuple[str, ...]
    own: numpy.ndarray
    spelling: numpy.ndarray
    positions: numpy.ndarray
    layers: tuple[LayerWeights, ...]
    unembedding: numpy.ndarray
    offset: numpy.ndarray
    facts: dict[str, str]

    def astype(self, dtype: str) -> Weights:
        """The same numbers in another type: float64 for one text, float32 for thousands."""
        layers = tuple(
            LayerWeights(**{name: array.astype(dtype) for name, array in vars(layer).items()}) for layer in self.layers
        )
        arrays = {name: getattr(self, name).astype(dtype) for name in ARRAYS}
        return Weights(words=self.words, layers=layers, facts=self.facts, **arrays)


ARRAYS = ("own", "spelling", "positions", "unembedding", "offset")


def write_weights(path: str | os.PathLike[str], weights: Weights) -> None:
    """Write ``weights`` as float16 to a .safetensors file, whole or not at all."""
    arrays = {name: getattr(weights, name) for name in ARRAYS}
    for number, layer in enumerate(weights.layers):
        arrays |= {f"layers.{number}.{name}": array for name, array in vars(layer).items()}
    halves = {name: numpy.asarray(array, "float16") for name, array in arrays.items()}
    write_safetensors(path, halves, {**weights.facts, "words": " ".join(weights.words)})


def read_weights(path: str | os.PathLike[str]) -> Weights:
    """What ``write_weights`` wrote, as float32; AttnvizError when the file holds something else."""
    arrays, facts = read_safetensors(path)

    def rows(prefix: str, *names: str) -> dict[str, numpy.ndarray]:
        return {name: _rows(path, prefix + name, arrays[prefix + name]) for name in names}

    try:
        words = tuple(facts["words"].split())
        layers = tuple(
            LayerWeights(**rows(f"layers.{number}.", *MATRICES, "bias")) for number in range(_layers(arrays))
        )
        weights = Weights(words, layers=layers, facts={**facts}, **rows("", *ARRAYS))
    except KeyError as error:
        raise AttnvizError(
            "{path} has no {missing}: it holds no weights of the tiny model",
            "python -m attnviz.sources.tiny.train writes them",
            path=path,
            missing=error.args[0],
        ) from None
    _require_fitting(path, weights)
    del weights.facts["words"]
    return weights


@lru_cache(maxsize=1)
def shipped_weights() -> Weights:
    """The weights in the package, read once, as float32."""
    return read_weights(SHIPPED)


def _layers(arrays: dict[str, numpy.ndarray]) -> int:
    numbers = (name.split(".")[1] for name in arrays if name.startswith("layers."))
    return 1 + max((int(number) for number in numbers if number.isdecimal()), default=-1)


def _rows(path: str | os.PathLike[str], name: str, array: numpy.ndarray) -> numpy.ndarray:
    """``array`` as float32; AttnvizError where it holds no rows, or what no run can be computed from."""
    rows = numpy.asarray(array, "float32")
    if not rows.size or not rows.ndim:
        raise AttnvizError(
            "{path}: {name} has the shape {shape}, expected rows of numbers", path=path, name=name, shape=rows.shape
        )
    if not numpy.isfinite(rows).all():
        raise AttnvizError(
            "{path}: {name} is not finite everywhere",
            "train again: no run can be computed from it",
            path=path,
            name=name,
        )
    return rows


def _require_fitting(path: str | os.PathLike[str], weights: Weights) -> None:
    width = weights.own.shape[-1]
    wanted = {
        "own": (len(weights.words), width),
        "spelling": (ROWS, width),
        "positions": (len(weights.positions), width),
        "unembedding": (width, len(weights.words)),
        "offset": (len(weights.words),),
    }
    found = {name: getattr(weights, name).shape for name in wanted}
    for number, layer in enumerate(weights.layers):
        wanted |= {f"layers.{number}.{name}": (width, width) for name in MATRICES}
        found |= {f"layers.{number}.{name}": getattr(layer, name).shape for name in MATRICES}
        wanted[f"layers.{number}.bias"] = (weights.layers[0].bias.shape[0], layer.bias.shape[-1])
        found[f"layers.{number}.bias"] = layer.bias.shape
    for name, shape in wanted.items():
        if found[name] != shape:
            raise AttnvizError(
                "{path}: {name} has the shape {found}, expected {shape}",
                path=path,
                name=name,
                found=found[name],
                shape=shape,
            )
    if not weights.layers or width % weights.layers[0].bias.shape[0]:
        raise AttnvizError("{path}: its {width} columns do not divide into heads", path=path, width=width)
