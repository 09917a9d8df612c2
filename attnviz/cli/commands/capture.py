"""attnviz capture: a real model's query, key and value in a file, to look at anywhere; or in a folder, a file a text."""

from __future__ import annotations

from attnviz.cli.input.corpus import Corpus, are_many
from attnviz.cli.input.many import require_no_batch
from attnviz.cli.input.traces import Making, read_trace
from attnviz.cli.options.capture import CaptureOptions
from attnviz.cli.options.direction import DirectionOptions
from attnviz.cli.options.engine import EngineOptions
from attnviz.cli.options.model import ModelOptions
from attnviz.cli.options.source import BatchOptions, LinesOptions, TextsOptions
from attnviz.cli.output.files import save_trace, trace_file
from attnviz.cli.output.formats import SUFFIXES
from attnviz.cli.output.streams import notice
from attnviz.errors import UsageError


def capture(
    text: TextsOptions,
    lines: LinesOptions,
    reading: BatchOptions,
    model: ModelOptions,
    kept: CaptureOptions,
    direction: DirectionOptions,
    engine: EngineOptions,
) -> None:
    """Save what a model's attention computes with, to look at it later without torch or the model.

    Example: attnviz capture "Your journey" --model DIR_OR_ID -o t.safetensors
    """
    if model.model is None:
        raise UsageError("no model is named", "add --model DIR_OR_ID")
    if direction.toward is not None and kept.no_output_projection:
        raise UsageError(
            "--toward is for contributions, and --no-output-projection leaves out the W_O that they need",
            "leave out one of the two",
        )
    making = Making(engine=engine, model=model, layer=kept.layer, toward=direction.toward, predictions=kept.predictions)
    if are_many(text, lines):
        from attnviz.cli.commands.capture_lines import capture_each

        capture_each(Corpus(text, lines), making, reading, kept)
        return
    require_no_batch(reading)
    output = trace_file(kept.output, SUFFIXES["safetensors"])
    trace = read_trace(text.one(), making)
    if kept.no_output_projection:
        trace = trace.without_output_projections()
    elif unknown := trace.source.without_projection(trace.layers):
        notice(unknown)
    save_trace(trace, output)
