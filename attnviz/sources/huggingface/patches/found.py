"""Where the tokens of each layer stand in the picture that a model has read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy
import torch

from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.layer_runs import LayerRun
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.patches.cells import Cells, cells_of
from attnviz.sources.huggingface.patches.convolution import FirstLayer, first_layer
from attnviz.sources.huggingface.patches.probe import Place, probing
from attnviz.sources.huggingface.patches.ramps import Coordinates, coordinate_pictures, decoded
from attnviz.sources.huggingface.patches.reached import Patches, reached
from attnviz.sources.huggingface.pictured import Pictured
from attnviz.sources.huggingface.running import running

PIXELS = "pixel_values"


class InPicture(NamedTuple):
    """The ``size`` of a picture, its width and its height, and what the queries and the keys of each layer show of it."""

    size: tuple[int, int]
    patches: Mapping[Place, tuple[Patches, Patches]]


def found_in_picture(
    model: Model,
    inputs: Mapping[str, torch.Tensor],
    pictured: Pictured | None,
    runs: Iterable[LayerRun],
    random: torch.Tensor,
) -> InPicture | None:
    """What the tokens of the layers that were kept show of the picture that ``model`` has read; None where it cannot be known.

    pictured  the picture, and how it was prepared; None: the model was given ``pixel_values`` as they are, which count as it
    random    the state of chance before the pass
    """
    if PIXELS not in inputs:
        return None
    with torch.random.fork_rng():
        torch.set_rng_state(random)
        try:
            size, first = _seen(model, inputs, pictured)
            cells = None if first is None else _cells(first, size, pictured, inputs[PIXELS])
        except AttnvizError:  # of a processor or a model that takes no other picture: nothing is known
            return None
    if first is None or cells is None:
        return None
    groups = _groups(runs)
    with probing(model, inputs, first.layer, frozenset(groups.values()), random) as prober:
        patches = reached(cells, prober.changed)
    return InPicture(size, {place: patches[like] for place, like in groups.items() if like in patches})


def _groups(runs: Iterable[LayerRun]) -> dict[Place, Place]:
    """For each layer that was kept, the first one of its stack with as many queries and keys: what one holds, the others hold.

    Between layers with as many tokens a model adds to what each token is; where it puts windows of tokens side by side, or
    merges some, each layer is looked at by itself.
    """
    groups: dict[Place, Place] = {}
    alike: dict[tuple[object, ...], Place] = {}
    for run in runs:
        if run.layer is not None:
            place = run.stack, run.number
            shape = (*place, 0) if run.windows > 1 else (run.stack, run.layer.queries, run.layer.keys)
            groups[place] = alike.setdefault(shape, place)
    return groups


def _seen(
    model: Model, inputs: Mapping[str, torch.Tensor], pictured: Pictured | None
) -> tuple[tuple[int, int], FirstLayer | None]:
    """The size of the picture, and the first layer that sees it with what it is given of the pictures of coordinates."""
    pixels = inputs[PIXELS]
    if pictured is None:
        size = int(pixels.shape[-1]), int(pixels.shape[-2])
        passes = [dict(inputs), dict(inputs) | {PIXELS: pixels + 1}]
    else:
        size = pictured.size
        passes = [_moved(pictured.prepare(one), model) for one in coordinate_pictures(*size)]
        if any(one[PIXELS].shape != pixels.shape for one in passes):
            return size, None
    with running(model):
        return size, first_layer(model.model, passes)


def _moved(inputs: Mapping[str, torch.Tensor], model: Model) -> dict[str, torch.Tensor]:
    return {name: value.to(model.model.device) for name, value in inputs.items()}


def _cells(first: FirstLayer, size: tuple[int, int], pictured: Pictured | None, pixels: torch.Tensor) -> Cells | None:
    given = [array.float().cpu().numpy() for array in first.given]
    coordinates = decoded(given, size) if pictured is not None else _as_given(given[0], pixels.float().cpu().numpy())
    if coordinates is None:
        return None
    count = _count(first)
    return None if count is None else cells_of(first.layer, coordinates, size, count)


def _count(first: FirstLayer) -> int | None:
    """How many vectors the layer puts out, of all that it is given."""
    with torch.inference_mode():
        output = first.layer(first.given[0])
    channels = output.shape[-1] if isinstance(first.layer, torch.nn.Linear) else output.shape[1]
    return int(output.numel() // channels)


def _as_given(given: numpy.ndarray, pixels: numpy.ndarray) -> Coordinates | None:
    """The coordinates of what the layer is given, where that is ``pixels`` themselves, with or without some around them at the
    right and below; None of anything else."""
    if given.ndim != 4 or pixels.ndim != 4 or len(given) != 1 or len(pixels) != 1 or given.shape[1] != pixels.shape[1]:
        return None
    height, width = pixels.shape[-2:]
    if (
        given.shape[-2] < height
        or given.shape[-1] < width
        or not numpy.allclose(given[..., :height, :width], pixels, rtol=1e-2)
    ):
        return None
    down, across = (numpy.broadcast_to(side, given.shape) for side in numpy.indices(given.shape[-2:]) + 0.5)
    return Coordinates(across, down, (down < height) & (across < width))
