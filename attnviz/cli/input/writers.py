"""From options to a model that writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attnviz.choices import TINY, is_tiny
from attnviz.cli.input.models import load_model, require_numpy
from attnviz.cli.options.engine import EngineOptions
from attnviz.cli.options.model import LoadOptions

if TYPE_CHECKING:
    from attnviz.trace.written import Writer


def read_writer(options: LoadOptions, engine: EngineOptions, *, copies: bool = False) -> Writer:
    """The model that the options name, or the one in the package where they name none; ``copies`` as of sources/writers.py."""
    name = TINY if options.model is None else options.model
    if is_tiny(name):
        require_numpy(options, engine)
    model = name if is_tiny(name) else load_model(options, engine, writes=True)
    from attnviz.sources.writers import writer

    return writer(model, copies=copies)
