"""attnviz heatmap: the picture."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from attnviz.choices import CONTRIBUTIONS, DrawnStep, MapStep
from attnviz.cli.commands.heatmap_across import NUMBERS, require_followed, write_numbers
from attnviz.cli.commands.heatmap_on_image import draw_on_image
from attnviz.cli.input.following import following_of, words_across
from attnviz.cli.input.pictures import picture_of, require_picture
from attnviz.cli.input.selected import (
    first_layer,
    in_words,
    require_contribution,
    require_whole,
    say_if_nothing_hidden,
    selected,
)
from attnviz.cli.input.traces import Making, read_trace
from attnviz.cli.options.across import AcrossOptions
from attnviz.cli.options.direction import DirectionOptions
from attnviz.cli.options.engine import EngineOptions
from attnviz.cli.options.heatmap import PictureOptions
from attnviz.cli.options.model import ModelOptions
from attnviz.cli.options.on_image import OnImageOptions
from attnviz.cli.options.rule import RuleOptions
from attnviz.cli.options.selection import PartOptions, RegionOptions, SpecialOptions, WordsOptions
from attnviz.cli.options.source import SourceOptions
from attnviz.cli.options.toy import ToyOptions
from attnviz.cli.output.files import deliver, drawn, save_trace, trace_file, write
from attnviz.cli.output.formats import PICTURE_FILE, PictureFormat, chosen_format
from attnviz.cli.output.progress import progress
from attnviz.cli.output.terminal import Terminal, require_no_terminal
from attnviz.errors import UsageError

if TYPE_CHECKING:
    from attnviz.analysis.across.following import Following
    from attnviz.renderers.heatmap.chain import Chain
    from attnviz.renderers.heatmap.picture import Picture, View
    from attnviz.trace.selection import Selection
    from attnviz.trace.trace import Trace

MOVING = (PictureFormat.GIF, PictureFormat.WEBP)
BINARY = (PictureFormat.PNG, PictureFormat.PDF, *MOVING)


def heatmap(
    source: SourceOptions,
    toy: ToyOptions,
    model: ModelOptions,
    rule: RuleOptions,
    part: PartOptions,
    special: SpecialOptions,
    words: WordsOptions,
    region: RegionOptions,
    direction: DirectionOptions,
    picture: PictureOptions,
    across: AcrossOptions,
    image: OnImageOptions,
    engine: EngineOptions,
) -> None:
    """Draw the heads of a layer as heat maps.

    Example: attnviz heatmap --causal --heads 4
    """
    form, following = _format(picture), following_of(across)
    require_followed(following, form, picture, direction)
    require_contribution(direction, picture.step in CONTRIBUTIONS or form is PictureFormat.SAFETENSORS)
    if form is PictureFormat.SAFETENSORS:
        require_whole(model, part, special, region, words)
        trace_file(picture.output)
    require_picture(image)
    _require_merging(words, picture, image)
    making = Making(toy, rule, engine, model, part.layer, toward=direction.toward)
    photograph, making = picture_of(image, source, making)
    trace = read_trace(source, making)
    if photograph is not None:
        draw_on_image(trace, photograph, form, part, special, region, picture, image, following)
        return
    if form is PictureFormat.SAFETENSORS:
        if picture.show:
            _show(trace, _chosen(trace, part, special, region), picture)
        save_trace(trace, picture.output)
        return
    if following is not None:
        trace, part, following = words_across(trace, words, part, following)
    elif words.words:
        trace = in_words(trace, words, part.layer or first_layer(trace))
    chosen = _chosen(trace, part, special, region, following)
    if form is PictureFormat.TERM:
        deliver([_in_terminal(trace, chosen, picture, picture.output, following)], picture.output)
        return
    if picture.show:
        _show(trace, chosen, picture, following)
    if following is not None and form in NUMBERS:
        with _viewed(picture) as view:
            write_numbers(trace, chosen, following, form, picture.output, view)
        return
    _draw(trace, chosen, picture, form, bool(part.head), following)


def _require_merging(words: WordsOptions, picture: PictureOptions, image: OnImageOptions) -> None:
    """Refuse what cannot be drawn of words."""
    if words.words:
        from attnviz.analysis.words import require_merging

        require_merging([picture.step], compare=picture.compare, on_image=image.on_image)


def _chosen(
    trace: Trace,
    part: PartOptions,
    special: SpecialOptions,
    region: RegionOptions,
    following: Following | None = None,
) -> Selection:
    """What the options choose of ``trace``: without --layer its first layer, or all that attention is followed through."""
    layer = part.layer or (first_layer(trace) if following is None else [])
    chosen = selected(trace, part, special, region, layer=layer).as_region()
    say_if_nothing_hidden(chosen, special)
    return chosen


def _show(trace: Trace, chosen: Selection, picture: PictureOptions, following: Following | None = None) -> None:
    """Draw on standard output, whatever is written elsewhere."""
    write([_in_terminal(trace, chosen, picture, None, following)], None)


def _draw(
    trace: Trace,
    chosen: Selection,
    picture: PictureOptions,
    form: PictureFormat,
    named: bool,
    following: Following | None,
) -> None:
    """Write the picture, and print its name; ``named`` says whether heads were asked for."""
    output = picture.output or PICTURE_FILE.with_suffix(f".{form.value}")
    decided = _decided(trace, chosen, picture, named, following)
    if picture.annotate and any(one.pooled for one in decided.maps):
        raise UsageError(
            "--annotate writes the weight of a pair, and a cell here covers many",
            "choose fewer with --query A:B --key C:D",
        )
    deliver([drawn(decided, form.value, picture.cmap, picture.annotate, picture.dpi, picture.seconds)], output)


def _in_terminal(
    trace: Trace, chosen: Selection, picture: PictureOptions, target: Path | None, following: Following | None
) -> bytes:
    from attnviz.renderers.across.picture import decide_across
    from attnviz.renderers.heatmap.picture import decide
    from attnviz.renderers.heatmap.terminal import TerminalMap, room
    from attnviz.text.lessons import lessons

    terminal = Terminal(target)
    panels = chosen.maps(MapStep(picture.step.value)) if following is None else 1
    with _viewed(picture, room(terminal.console, panels, terminal.height)) as view:
        if following is None:
            decided = decide(trace, chosen, MapStep(picture.step.value), picture.title, view)
        else:
            decided = decide_across(trace, chosen, following, picture.title, view)
    return terminal(TerminalMap(decided, picture.cmap, terminal.height, lessons(picture.lang)))


def _decided(
    trace: Trace, chosen: Selection, picture: PictureOptions, named: bool, following: Following | None
) -> Picture | Chain:
    from attnviz.renderers.heatmap.decided import decided

    with _viewed(picture) as view:
        return decided(trace, chosen, picture.step, picture.compare, picture.title, view, named, following)


@contextmanager
def _viewed(picture: PictureOptions, cells: int | None = None) -> Iterator[View]:
    """How the options look at a trace, while a line says how much is done."""
    from attnviz.renderers.heatmap.picture import View
    from attnviz.text.lessons import lessons

    with progress("weights", timed=True, counted=False) as line:
        yield View(
            picture.pool,
            cells,
            picture.dpi,
            report=lambda done, of: line("weights", done, of),
            words=lessons(picture.lang),
            width=picture.width,
            ends=(picture.vmin, picture.vmax),
        )


def _format(picture: PictureOptions) -> PictureFormat:
    """The format that is asked for; --show alone draws in the terminal and writes no file."""
    alone = picture.show and picture.output is None and picture.format is None
    form = chosen_format(picture.output, picture.format, PictureFormat.TERM if alone else PictureFormat.PNG)
    if form in BINARY:
        require_no_terminal(form.value.upper(), picture.output)
    if picture.seconds is not None and form not in MOVING:
        raise UsageError("--seconds is for a picture that moves", "write one with -o NAME.gif or -o NAME.webp")
    whole = "--compare" if picture.compare is not None else "--step all" if picture.step is DrawnStep.ALL else ""
    if whole and (picture.show or form is PictureFormat.TERM):
        raise UsageError(
            "{whole} draws a figure, which a terminal cannot show", "write one with -o NAME.png", whole=whole
        )
    to_stdout = picture.output is not None and str(picture.output) == "-"
    if picture.show and to_stdout and form is not PictureFormat.TERM:
        raise UsageError(
            "--show draws on standard output, and -o - sends the {form} there", "name a file with -o", form=form.value
        )
    return form
