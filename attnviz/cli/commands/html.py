"""attnviz html: one page to walk through attention in a browser."""

from __future__ import annotations

from pathlib import Path

from attnviz.cli.input.pictures import picture_of
from attnviz.cli.input.selected import in_words, say_if_nothing_hidden, selected
from attnviz.cli.input.traces import Making, read_trace
from attnviz.cli.options.direction import DirectionOptions
from attnviz.cli.options.engine import EngineOptions
from attnviz.cli.options.html import PageOptions
from attnviz.cli.options.model import ModelOptions
from attnviz.cli.options.on_image import PageImageOptions
from attnviz.cli.options.rule import RuleOptions
from attnviz.cli.options.selection import PartOptions, RegionOptions, SpecialOptions, WordsOptions
from attnviz.cli.options.source import SourceOptions
from attnviz.cli.options.toy import ToyOptions
from attnviz.cli.output.files import deliver
from attnviz.cli.output.formats import PAGE_FILE, SUFFIXES, PageFormat
from attnviz.cli.output.progress import progress
from attnviz.cli.output.streams import notice
from attnviz.errors import UsageError
from attnviz.text.message import Message


def html(
    source: SourceOptions,
    toy: ToyOptions,
    model: ModelOptions,
    rule: RuleOptions,
    part: PartOptions,
    special: SpecialOptions,
    words: WordsOptions,
    region: RegionOptions,
    direction: DirectionOptions,
    page: PageOptions,
    image: PageImageOptions,
    engine: EngineOptions,
) -> None:
    """Write one offline HTML page that shows all heads.

    Example: attnviz html "Your journey starts" --heads 4 --causal
    """
    from attnviz.analysis.words import require_merging
    from attnviz.renderers.page.opening import opening

    to_stdout = page.output is not None and str(page.output) == "-"
    if page.output is not None and not to_stdout and page.output.suffix.lower() not in ("", *SUFFIXES[PageFormat.HTML]):
        raise UsageError("{output}: its suffix is not .html", "attnviz heatmap draws pictures", output=page.output)
    if to_stdout and page.open:
        raise UsageError("--open opens a file, and -o - writes none", "leave out one of the two")
    opened = opening(page.step, direction.toward)
    if words.words:
        require_merging(opened.needed)
    picture, making = picture_of(image, source, Making(toy, rule, engine, model, part.layer, toward=direction.toward))
    trace = in_words(read_trace(source, making), words, part.layer)

    from attnviz.renderers.page.limits import Limits
    from attnviz.renderers.page.page import to_html
    from attnviz.trace.in_picture import in_picture, require_same_size

    if picture is not None:
        in_picture(trace)  # or it says why there is nothing to be shown
        require_same_size(trace, picture.size)
    chosen = selected(trace, part, special, region, step=opened.needed).as_region()
    say_if_nothing_hidden(chosen, special)
    output = page.output or PAGE_FILE
    limits = Limits(megabytes=page.max_size)
    with progress("weights", timed=True, counted=False) as line:
        text = to_html(
            trace,
            chosen,
            page.lang,
            limits,
            page.pool,
            lambda done, of: line("weights", done, of),
            notice,
            picture,
            step=opened.step,
        )
    deliver([text.encode()], output)
    if page.open:
        _open(output)


def _open(path: Path) -> None:
    import webbrowser

    if not webbrowser.open(path.resolve().as_uri()):
        notice(Message("found no browser to open {path} with", path=path))
