"""attnviz heatmap: the picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from attnviz.cli.input.selected import first_layer, require_whole, say_if_nothing_hidden, selected
from attnviz.cli.input.traces import Making, read_trace
from attnviz.cli.options.engine import EngineOptions
from attnviz.cli.options.heatmap import PictureOptions
from attnviz.cli.options.model import ModelOptions
from attnviz.cli.options.rule import RuleOptions
from attnviz.cli.options.selection import PartOptions, RegionOptions, SpecialOptions
from attnviz.cli.options.source import SourceOptions
from attnviz.cli.options.toy import ToyOptions
from attnviz.cli.output.files import deliver, drawn, save_trace, trace_file, write
from attnviz.cli.output.formats import PICTURE_FILE, PictureFormat, chosen_format
from attnviz.cli.output.progress import progress
from attnviz.cli.output.terminal import Terminal, require_no_terminal
from attnviz.errors import UsageError

if TYPE_CHECKING:
    from attnviz.renderers.heatmap.picture import Picture
    from attnviz.trace.selection import Selection
    from attnviz.trace.trace import Trace


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
        trace_file(picture.output)
    trace = read_trace(source, Making(toy, rule, engine, model, part.layer))
    if form is PictureFormat.SAFETENSORS:
        if picture.show:
            _show(trace, _chosen(trace, part, special, region), picture)
        save_trace(trace, picture.output)
        return
    chosen = _chosen(trace, part, special, region)
    if form is PictureFormat.TERM:
        deliver([_in_terminal(trace, chosen, picture, picture.output)], picture.output)
        return
    if picture.show:
        _show(trace, chosen, picture)
    _draw(trace, chosen, picture, form)


def _chosen(trace: Trace, part: PartOptions, special: SpecialOptions, region: RegionOptions) -> Selection:
    """What the options choose of ``trace``: without --layer, of its first layer."""
    chosen = selected(trace, part, special, region, layer=part.layer or first_layer(trace)).as_region()
    say_if_nothing_hidden(chosen, special)
    return chosen


def _show(trace: Trace, chosen: Selection, picture: PictureOptions) -> None:
    """Draw on standard output, whatever is written elsewhere."""
    write([_in_terminal(trace, chosen, picture, None)], None)


def _draw(trace: Trace, chosen: Selection, picture: PictureOptions, form: PictureFormat) -> None:
    """Write the picture, and print its name."""
    output = picture.output or PICTURE_FILE.with_suffix(f".{form.value}")
    decided = _decided(trace, chosen, picture)
    if picture.annotate and decided.pooled:
        raise UsageError(
            "--annotate writes the weight of a pair, and a cell here covers many",
            "choose fewer with --query A:B --key C:D",
        )
    deliver([drawn(decided, form.value, picture.cmap, picture.annotate, decided.dpi)], output)


def _in_terminal(trace: Trace, chosen: Selection, picture: PictureOptions, target: Path | None) -> bytes:
    from attnviz.renderers.heatmap.terminal import TerminalMap, room
    from attnviz.text.lessons import lessons

    terminal = Terminal(target)
    decided = _decided(trace, chosen, picture, room(terminal.console, chosen.heads, terminal.height))
    return terminal(TerminalMap(decided, picture.cmap, terminal.height, lessons(picture.lang)))


def _decided(trace: Trace, chosen: Selection, picture: PictureOptions, cells: int | None = None) -> Picture:
    from attnviz.renderers.heatmap.picture import View, decide
    from attnviz.text.lessons import lessons

    with progress("weights", timed=True, counted=False) as line:
        view = View(
            picture.pool,
            cells,
            picture.dpi,
            report=lambda done, of: line("weights", done, of),
            words=lessons(picture.lang),
            width=picture.width,
            ends=(picture.vmin, picture.vmax),
        )
        return decide(trace, chosen, picture.step, picture.title, view)


def _format(picture: PictureOptions) -> PictureFormat:
    """The format that is asked for; --show alone draws in the terminal and writes no file."""
    alone = picture.show and picture.output is None and picture.format is None
    form = chosen_format(picture.output, picture.format, PictureFormat.TERM if alone else PictureFormat.PNG)
    if form in (PictureFormat.PNG, PictureFormat.PDF):
        require_no_terminal(form.value.upper(), picture.output)
    to_stdout = picture.output is not None and str(picture.output) == "-"
    if picture.show and to_stdout and form is not PictureFormat.TERM:
        raise UsageError(
            f"--show draws on standard output, and -o - sends the {form.value} there", "name a file with -o"
        )
    return form
