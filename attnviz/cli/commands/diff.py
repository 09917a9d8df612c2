"""attnviz diff: which heads differ, between two traces, texts or models, and by how much."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attnviz.cli.input.compared import read_sides, sides_of
from attnviz.cli.input.selected import in_words
from attnviz.cli.input.traces import Making
from attnviz.cli.options.diff import BothOptions, DiffOptions, ModelsOptions
from attnviz.cli.options.engine import EngineOptions
from attnviz.cli.options.rule import RuleOptions
from attnviz.cli.options.selection import PartOptions, RegionOptions, SpecialOptions, WordsOptions
from attnviz.cli.options.toy import ToyOptions
from attnviz.cli.output.files import deliver, drawn, write
from attnviz.cli.output.formats import DIFF_FILE, DiffFormat, chosen_format
from attnviz.cli.output.progress import progress
from attnviz.cli.output.streams import notice
from attnviz.cli.output.terminal import Terminal, require_no_terminal, visible_json
from attnviz.errors import UsageError
from attnviz.text.message import Message

if TYPE_CHECKING:
    from attnviz.analysis.difference.result import Difference, Source


PICTURES = (DiffFormat.PNG, DiffFormat.SVG, DiffFormat.PDF)  # which have a file of their own where none is named


def diff(
    both: BothOptions,
    toy: ToyOptions,
    models: ModelsOptions,
    rule: RuleOptions,
    part: PartOptions,
    special: SpecialOptions,
    words: WordsOptions,
    region: RegionOptions,
    shown: DiffOptions,
    engine: EngineOptions,
) -> None:
    """Compare the heads of two traces, texts or models, or two heads: which differ most, and where.

    Example: attnviz diff "the cat sat" "the dog sat" --heads 4
    """
    form = chosen_format(shown.output, shown.format, DiffFormat.TABLE)
    if form in (DiffFormat.PNG, DiffFormat.PDF):
        require_no_terminal(form.value.upper(), shown.output)
    _require_free(shown, form)
    sides = sides_of(both, models.model, models.adapter is not None)
    layers = _layers(both, part, len(sides))
    sources = _in_words(read_sides(sides, Making(toy, rule, engine), models, layers), words, layers)
    found = _compared(sources[0], sources[-1], both, part, special, region, shown)
    _write(found, form, shown)
    if shown.show:
        from attnviz.renderers.difference.terminal import to_maps

        terminal = Terminal(None)
        write(
            [b"\n" * (form is DiffFormat.TABLE and shown.output is None), terminal(to_maps(found, terminal.height))],
            None,
        )


def _require_free(shown: DiffOptions, form: DiffFormat) -> None:
    """Refuse to draw in the terminal where standard output takes something else than a table."""
    named = shown.output is not None and str(shown.output) != "-"
    drawn_to_file = shown.output is None and form in PICTURES
    if shown.show and not (named or drawn_to_file or form is DiffFormat.TABLE):
        raise UsageError(
            "--show draws on standard output, and -o - sends the {form} there", "name a file with -o", form=form.value
        )


def _layers(both: BothOptions, part: PartOptions, sides: int) -> list[list[str]]:
    """The layers that are needed of each side; none is all."""
    if both.left is None or both.right is None:
        return [part.layer] * sides
    from attnviz.analysis.difference.pairing import layer_and_head, require_one_way

    require_one_way(part.layer, part.head)
    left, right = layer_and_head("left", both.left)[0], layer_and_head("right", both.right)[0]
    return [[left], [right]] if sides > 1 else [list(dict.fromkeys((left, right)))]


def _in_words(sources: list[Source], words: WordsOptions, layers: list[list[str]]) -> list[Source]:
    """Words in place of tokens, if that is asked for; where neither side has a token that is no word, that is said."""
    found: list[Source] = []
    merges = False
    for number, (source, layer) in enumerate(zip(sources, layers, strict=True), start=1):
        trace = in_words(source.trace, words, layer, tell=number == len(sources) and not merges)
        merges = merges or len(trace.tokens) < len(source.trace.tokens)
        found.append(source._replace(trace=trace))
    return found


def _compared(
    left: Source,
    right: Source,
    both: BothOptions,
    part: PartOptions,
    special: SpecialOptions,
    region: RegionOptions,
    shown: DiffOptions,
) -> Difference:
    from attnviz.analysis.difference.compare import compare

    with progress("weights", timed=True, counted=False) as line:
        return compare(
            left,
            right,
            None if both.left is None or both.right is None else (both.left, both.right),
            layer=part.layer,
            head=part.head,
            query=region.query,
            key=region.key,
            skip_special=special.skip_special,
            pool=shown.pool,
            top=shown.top,
            language=shown.lang,
            report=lambda done, of: line("weights", done, of),
        )


def _write(found: Difference, form: DiffFormat, shown: DiffOptions) -> None:
    match form:
        case DiffFormat.TABLE:
            from attnviz.renderers.difference.table import to_renderable

            deliver([Terminal(shown.output)(to_renderable(found))], shown.output)
        case DiffFormat.JSON:
            from attnviz.renderers.difference.difference_json import to_json

            deliver(visible_json([to_json(found)], shown.output), shown.output)
        case DiffFormat.CSV:
            from attnviz.renderers.difference.difference_csv import to_csv

            deliver([to_csv(found).encode()], shown.output)
        case DiffFormat.MARKDOWN:
            from attnviz.renderers.difference.markdown import to_markdown

            deliver([to_markdown(found).encode()], shown.output)
        case DiffFormat.HTML:
            from attnviz.renderers.difference.page import to_html

            with progress("weights", timed=True, counted=False) as line:
                page = to_html(found, report=lambda done, of: line("weights", done, of), notice=notice)
            deliver([page.encode()], shown.output)
        case _:
            _draw(found, form, shown)


def _draw(found: Difference, form: DiffFormat, shown: DiffOptions) -> None:
    """Write the picture, and say where its cells are of many tokens."""
    from attnviz.renderers.difference.picture import closer, decide, pooled_size
    from attnviz.renderers.heatmap.picture import View

    down, across = pooled_size(found)
    if (down, across) != (1, 1):
        query, key = closer(found)
        notice(
            Message(
                "the text is long: a cell of the picture covers {down:,} × {across:,} tokens; --query {query} --key {key} shows the "
                "largest difference token by token",
                down=down,
                across=across,
                query=query,
                key=key,
            )
        )
    output = shown.output or DIFF_FILE.with_suffix(f".{form.value}")
    with progress("weights", timed=True, counted=False) as line:
        picture = decide(found, view=View(report=lambda done, of: line("weights", done, of)))
    deliver([drawn(picture, form.value)], output)
