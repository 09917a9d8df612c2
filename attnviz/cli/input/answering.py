"""From options to a model that can be asked for its heads' roles."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attnviz.cli.input.models import loaded
from attnviz.cli.options.engine import DeviceOptions
from attnviz.cli.options.roles import AskedModelOptions

if TYPE_CHECKING:
    from attnviz.trace.asking import Answering


def read_answering(model: AskedModelOptions, engine: DeviceOptions) -> Answering:
    """The model that the options name; AttnvizError where it cannot be loaded or asked."""
    from attnviz.sources.answering import answering

    return loaded(answering, model, engine)
