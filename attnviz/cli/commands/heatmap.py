"""attnviz heatmap: the picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from attnviz.cli.input.selected import first_layer, region_words, require_whole, say_if_nothing_hidden, selected
from attnviz.cli.input.traces import Making, read_trace
from attnviz.cli.options.engine import EngineOptions
from attnviz.cli.options.heatmap import PictureOptions
from attnviz.cli.options.model import ModelOptions
from attnviz.cli.options.rule import RuleOptions
from attnviz.cli.options.selection import PartOptions, RegionOptions, SpecialOptions
from attnviz.cli.options.source import SourceOptions
from attnviz.cli.options.toy import ToyOptions
from attnviz.cli.output.files import drawn, save_trace, write
from attnviz.cli.output.formats import PictureFormat, chosen_format
from attnviz.cli.output.progress import progress
from attnviz.cli.output.terminal import Terminal, require_no_terminal
from attnviz.errors import UsageError

if TYPE_CHECKING:
    from attnviz.renderers.heatmap.picture import Picture
    from attnviz.trace.selection import Selection
    from attnviz.trace.trace import Trace

DEFAULT_FILE = Path("attention.png")


def heatmap(
    source: SourceOptions,
    toy: ToyOptions,
    model: ModelOptions,
    rule: RuleOptions,
    part: PartOptions,
    special: SpecialOptions,
    region: RegionOptions,
    picture: PictureOptions,
    engine: EngineOptions,
) -> None:
    """Draw the heads of a layer as heat maps.

    Example: attnviz heatmap --causal --heads 4
    """
    form = _format(picture)
    if form is PictureFormat.SAFETENSORS:
        require_whole(model, part, special, region)
    to_stdout = picture.output is not None and str(picture.output) == "-"
    if form in (PictureFormat.PNG, PictureFormat.PDF):
        require_no_terminal(form.value.upper(), picture.output)
    if picture.show and to_stdout and form is not PictureFormat.TERM:
        raise UsageError(
            f"--show draws on standard output, and -o - sends the {form.value} there", "name a file with -o"
        )
    trace = read_trace(source, Making(toy, rule, engine, model, part.layer))
    if form is PictureFormat.SAFETENSORS:
        save_trace(trace, picture.output)
        return

    chosen = selected(trace, part, special, layer=part.layer or first_layer(trace), **region_words(region))
    say_if_nothing_hidden(chosen, special)
    if form is PictureFormat.TERM or picture.show:
        _show(trace, chosen, picture, picture.output if form is PictureFormat.TERM else None)
    if form is PictureFormat.TERM:
        return
    output = picture.output or DEFAULT_FILE.with_suffix(f".{form.value}")
    decided = _decided(trace, chosen, picture)
    if picture.annotate and decided.pooled:
        raise UsageError(
            "--annotate writes the weight of a pair, and a cell here covers many",
            "choose some with --query A:B --key C:D",
        )
    write([drawn(decided, form.value, picture.cmap, picture.annotate, decided.dpi)], output)
    if not to_stdout and not picture.show:
        write([f"{output}\n".encode(errors="surrogateescape")], None)


def _show(trace: Trace, chosen: Selection, picture: PictureOptions, target: Path | None) -> None:
    from attnviz.renderers.heatmap.terminal import TerminalMap, room

    terminal = Terminal(target)
    decided = _decided(trace, chosen, picture, room(terminal.console, chosen.heads, terminal.height))
    write([terminal(TerminalMap(decided, picture.cmap, terminal.height))], target)


def _decided(trace: Trace, chosen: Selection, picture: PictureOptions, cells: int | None = None) -> Picture:
    from attnviz.renderers.heatmap.picture import View, decide

    with progress("weights", timed=True, counted=False) as report:
        view = View(picture.pool, cells, picture.dpi, lambda done, of: report("weights", done, of))
        return decide(trace, chosen, picture.step, picture.title, view)


def _format(picture: PictureOptions) -> PictureFormat:
    """The format that is asked for; --show alone draws in the terminal and writes no file."""
    alone = picture.show and picture.output is None and picture.format is None
    form: PictureFormat = chosen_format(
        picture.output, picture.format, PictureFormat.TERM if alone else PictureFormat.PNG
    )
    return form
