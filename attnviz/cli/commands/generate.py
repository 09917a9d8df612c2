"""attnviz generate: a model writes token by token, and each step shows what it chose and what it read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from attnviz.choices import Pool
from attnviz.cli.input.selected import selected
from attnviz.cli.input.text import read_text
from attnviz.cli.input.writers import read_writer
from attnviz.cli.options.engine import EngineOptions
from attnviz.cli.options.generate import StepOptions, WritingOptions
from attnviz.cli.options.model import LoadOptions
from attnviz.cli.options.selection import PartOptions, RegionOptions, SpecialOptions
from attnviz.cli.options.source import SourceOptions, TextOptions
from attnviz.cli.output.files import deliver, quiet_matplotlib, save_trace, say_missing, trace_file, write
from attnviz.cli.output.formats import WRITTEN_FILE, WritingFormat, chosen_format
from attnviz.cli.output.progress import no_line, progress
from attnviz.cli.output.streams import notice
from attnviz.cli.output.terminal import Terminal, is_terminal, require_no_terminal, visible_json
from attnviz.text.message import Message

if TYPE_CHECKING:
    from attnviz.analysis.reading import Reader
    from attnviz.text.lessons import Lessons
    from attnviz.trace.selection import Selection
    from attnviz.trace.trace import Trace
    from attnviz.trace.written import Written


def generate(
    text: TextOptions,
    writing: WritingOptions,
    model: LoadOptions,
    part: PartOptions,
    shown: StepOptions,
    engine: EngineOptions,
) -> None:
    """Let a model write, and show step by step what it chose and what it read.

    Without --model, the one in the package writes.

    Example: attnviz generate "the dogs near the tree" --tokens 2 --model tiny
    """
    form = _format(shown)
    writer = read_writer(model, engine)
    from attnviz.trace.written import Sampling

    prompt = read_text(SourceOptions(**vars(text))).removesuffix("\n")  # of a pipe or a file, not of the text
    steps = _Steps(part, shown, form)
    with nullcontext(no_line) if steps.live else progress("tokens") as line, _interruption_told(steps, writing.tokens):

        def told(written: Written) -> None:
            steps.show(written)
            line("tokens", written.step, writing.tokens)

        trace = writer(
            prompt,
            writing.tokens,
            sampling=Sampling(writing.temperature, writing.top_k, writing.top_p, writing.seed),
            alternatives=writing.alternatives,
            chat=model.chat,
            told=told,
            notice=notice,
        )
    steps.end(trace, writing.tokens)
    if form is WritingFormat.TABLE:
        deliver(steps.pieces, shown.output) if shown.output is not None else None
    else:
        _write(trace, form, part, shown)


@contextmanager
def _interruption_told(steps: _Steps, asked: int) -> Iterator[None]:
    """Say how far it came where Ctrl-C ends the block; then nothing is written."""
    try:
        yield
    except KeyboardInterrupt:
        if steps.count:
            notice(Message("interrupted after {count:,} of {asked:,} tokens", count=steps.count, asked=asked))
        raise


def _format(shown: StepOptions) -> WritingFormat:
    form = chosen_format(shown.output, shown.format, WritingFormat.TABLE)
    if form is WritingFormat.SAFETENSORS:
        trace_file(shown.output)
    if form is WritingFormat.GIF:
        require_no_terminal(Message("a GIF"), shown.output)
    return form


class _Steps:
    """The steps as a person reads them: ``live`` as they happen, or as ``pieces`` of a file."""

    def __init__(self, part: PartOptions, shown: StepOptions, form: WritingFormat) -> None:
        self.part, self.shown = part, shown
        self.to_stdout = shown.output is None or str(shown.output) == "-"
        watched = not self.to_stdout and is_terminal(Path("-"))  # a file is written, and a person waits for it
        self.live = watched or (form is WritingFormat.TABLE and self.to_stdout)
        self.wanted = self.live or form is WritingFormat.TABLE
        self.pieces: list[bytes] = []
        self.count = 0
        self.worn = False  # whether a head was shown that wears a role

    @cached_property
    def reader(self) -> Reader:
        from attnviz.analysis.reading import Reader

        return Reader(self.part.layer, self.part.head)

    @cached_property
    def terminal(self) -> Terminal:
        return Terminal(None if self.live else self.shown.output)

    def show(self, written: Written) -> None:
        """Show one step, where steps are shown."""
        self.count = written.step
        if self.wanted:
            from attnviz.renderers.generation.step import StepLines, decided

            readings = self.reader.of(written)
            self.worn |= any(one.roles for one in readings)
            self._add(StepLines(decided(written, readings), self._lessons))

    def end(self, trace: Trace, asked: int) -> None:
        """Show what was written as a whole."""
        if self.wanted:
            from attnviz.renderers.generation.step import ending

            self._add(ending(trace, asked, self._lessons, worn=self.worn))

    @cached_property
    def _lessons(self) -> Lessons:
        from attnviz.text.lessons import lessons

        return lessons(self.shown.lang)

    def _add(self, renderable: object) -> None:
        piece = self.terminal(renderable)
        if self.live:
            write([piece], None)
        else:
            self.pieces.append(piece)


def _write(trace: Trace, form: WritingFormat, part: PartOptions, shown: StepOptions) -> None:
    match form:
        case WritingFormat.SAFETENSORS:
            save_trace(trace, shown.output)
            return
        case WritingFormat.JSON:
            from attnviz.renderers.data.json_format import to_json

            deliver(visible_json(to_json(trace, _selection(trace, part)), shown.output), shown.output)
        case WritingFormat.CSV:
            from attnviz.renderers.generation.step_csv import to_csv

            deliver([to_csv(trace).encode()], shown.output)
        case WritingFormat.HTML:
            from attnviz.renderers.page.limits import Limits
            from attnviz.renderers.page.page import to_html

            text = to_html(trace, _selection(trace, part).as_region(), shown.lang, Limits(), Pool.MEAN, notice=notice)
            deliver([text.encode()], shown.output)
        case WritingFormat.GIF:
            deliver([_gif(trace, part, shown)], shown.output or WRITTEN_FILE)


def _gif(trace: Trace, part: PartOptions, shown: StepOptions) -> bytes:
    from attnviz.analysis.reading import Reader
    from attnviz.renderers.generation.frames import frames
    from attnviz.text.lessons import lessons

    drawn = list(frames(trace, Reader(part.layer, part.head), lessons(shown.lang)))
    quiet_matplotlib()
    with progress("frames") as line:
        from attnviz.renderers.generation.gif import to_gif

        gif, missing = to_gif(drawn, lambda done, of: line("frames", done, of))
    say_missing(missing)
    return gif


def _selection(trace: Trace, part: PartOptions) -> Selection:
    return selected(trace, part, SpecialOptions(), RegionOptions())
