"""From options to a model that writes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from attnviz.cli.input.models import load_model
from attnviz.cli.options.engine import EngineOptions
from attnviz.cli.options.model import LoadOptions
from attnviz.errors import UsageError

if TYPE_CHECKING:
    from attnviz.trace.written import Writer


def read_writer(options: LoadOptions, engine: EngineOptions) -> Writer:
    """The model that the options name."""
    if options.model is None:
        raise UsageError("no model is named", "add --model DIR_OR_ID")
    model = load_model(options, engine, writes=True)
    from attnviz.sources.huggingface.generate import generate

    return partial(generate, model)
