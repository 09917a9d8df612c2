"""From options to a model that writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attnviz.choices import TINY, Backend
from attnviz.cli.input.models import load_model
from attnviz.cli.options.engine import EngineOptions
from attnviz.cli.options.model import LoadOptions
from attnviz.errors import AttnvizError, UsageError

if TYPE_CHECKING:
    from attnviz.trace.written import Writer


def read_writer(options: LoadOptions, engine: EngineOptions) -> Writer:
    """The model that the options name."""
    if options.model is None:
        raise UsageError("no model is named", f"add --model {TINY}, or --model DIR_OR_ID")
    if options.model == TINY:
        _require_no_torch(options, engine)
    model = TINY if options.model == TINY else load_model(options, engine, writes=True)
    from attnviz.sources.writers import writer

    return writer(model)


def _require_no_torch(options: LoadOptions, engine: EngineOptions) -> None:
    from attnviz.sources.tiny.loading import require_no_torch

    backend = None if engine.backend is Backend.NUMPY else engine.backend
    try:
        require_no_torch(backend=backend, device=engine.device, dtype=engine.dtype, device_map=options.device_map)
    except AttnvizError as error:
        raise UsageError("--" + error.message.replace("_", "-"), error.hint) from None
