"""What a layer started from, where that is known: whether embeddings, positions and projections fit it."""

from __future__ import annotations

from weakref import WeakSet

from attnviz.attention.arrays import Array, as_floating
from attnviz.attention.checks import require_finite, require_some
from attnviz.errors import AttnvizError
from attnviz.text.message import Message
from attnviz.trace.direction import require_fits
from attnviz.trace.layer import Layer
from attnviz.trace.projection import Projection

WEIGHTS_OF = "the {name} weights"
_looked_at = WeakSet[Projection]()  # whose numbers are known to be finite


def require_known_parts_fit(layer: Layer) -> None:
    """Raise AttnvizError where ``layer``, with all its heads and queries, cannot have started from what it says."""
    tokens = layer.queries
    for name in ("embeddings", "positions"):
        if (array := getattr(layer, name)) is not None:
            if array.ndim != 2 or array.shape[0] != tokens:
                raise AttnvizError(
                    "{name} has the shape {shape}, expected ({tokens}, d)",
                    name=name,
                    shape=tuple(array.shape),
                    tokens=tokens,
                )
            _require_numbers(array, name)
    width = None if layer.embeddings is None else int(layer.embeddings.shape[1])
    if width is not None and layer.positions is not None and layer.positions.shape[1] != width:
        raise AttnvizError(
            "positions has {positions} dimensions but embeddings has {width}",
            positions=layer.positions.shape[1],
            width=width,
        )
    for name in layer.projections:
        _require_projection(layer, name, width)
    if layer.toward is not None and not layer.toward.is_output and "output" in layer.projections:
        require_fits(layer.toward, int(layer.projections["output"].weight.shape[1]), layer.queries)


def _require_projection(layer: Layer, name: str, width: int | None) -> None:
    """Of query, key and value: from the embeddings to all heads; of the output: from all heads."""
    projection = layer.projections[name]
    side = None if name == "output" else layer.known(name)
    inner = layer.heads * layer.known("value").shape[-1] if side is None else side.shape[0] * side.shape[-1]
    shape = tuple(projection.weight.shape)
    expected = (inner, None) if side is None else (width, inner)  # None: any number of dimensions
    if len(shape) != 2 or any(size not in (None, own) for size, own in zip(expected, shape, strict=True)):
        rows, columns = ("d" if size is None else size for size in expected)
        raise AttnvizError(
            "{what} have the shape {shape}, expected ({rows}, {columns})",
            what=Message(WEIGHTS_OF, name=name),
            shape=shape,
            rows=rows,
            columns=columns,
        )
    if projection.bias is not None and tuple(projection.bias.shape) != shape[1:]:
        raise AttnvizError(
            "the {name} bias has the shape {shape}, expected ({width},)",
            name=name,
            shape=tuple(projection.bias.shape),
            width=shape[1],
        )
    if projection not in _looked_at:  # a model's own is that of each text which it reads
        _require_numbers(projection.weight, Message(WEIGHTS_OF, name=name))
        if projection.bias is not None:
            _require_numbers(projection.bias, Message("the {name} bias", name=name))
        _looked_at.add(projection)


def _require_numbers(array: Array, name: str) -> None:
    require_some(array, name)
    require_finite(as_floating(array, name), name)
