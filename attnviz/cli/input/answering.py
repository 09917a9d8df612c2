"""From options to a model that can be asked for its heads' roles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attnviz.choices import is_tiny
from attnviz.cli.input.models import loading, path_of, require_numpy
from attnviz.cli.options.engine import DeviceOptions
from attnviz.cli.options.roles import AskedModelOptions

if TYPE_CHECKING:
    from attnviz.trace.asking import Answering


def read_answering(model: AskedModelOptions, engine: DeviceOptions) -> Answering:
    """The model that the options name; AttnvizError where it cannot be loaded or asked."""
    from attnviz.sources.answering import answering

    if is_tiny(model.model):
        require_numpy(model, engine)
        return answering(model.model)
    dtype = None if engine.dtype is None else engine.dtype.value
    with loading(model.model):
        return answering(
            model.model, device=engine.device, dtype=dtype, device_map=model.device_map, adapter=path_of(model.adapter)
        )
