"""From options to the two traces that are compared, or the one two of whose heads are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from attnviz.choices import names_a_file
from attnviz.cli.input.models import require_model, require_no_toy
from attnviz.cli.input.text import read_text
from attnviz.cli.input.traces import Making, maker_of, read_by, read_trace
from attnviz.cli.options.diff import BothOptions, ModelsOptions
from attnviz.cli.options.model import ModelOptions
from attnviz.cli.options.source import SourceOptions
from attnviz.cli.options.toy import ToyOptions
from attnviz.cli.output.streams import notice
from attnviz.errors import UsageError
from attnviz.text.message import Message

if TYPE_CHECKING:
    from attnviz.analysis.difference.result import Source

STDIN = "-"
TWO = 2


class Side(NamedTuple):
    """What makes a trace: a file, or a text and the model that reads it (None: the toy), without its adapter where ``bare``. No
    text at all is that of standard input, or the sample."""

    file: Path | None = None
    text: str | None = None
    model: str | None = None
    bare: bool = False


def sides_of(both: BothOptions, models: Sequence[str], adapter: bool = False) -> list[Side]:
    """The one or two that are meant; UsageError where that cannot be told. An ``adapter`` goes into the model on the right,
    where one text is read: what it changes is what is compared."""
    given = [word for word in (both.first, both.second) if word is not None]
    if not given and not models:
        raise UsageError("nothing to compare is given", "name two files, or a text and two models with --model")
    if given.count(STDIN) > 1:
        raise UsageError("standard input can be read only once", "name a file in place of one -")
    if len(models) > TWO:
        raise UsageError("--model is given {count} times: two are compared", count=len(models))
    files = [word for word in given if _is_file(word, models)]
    if files and len(models) > len(given) - len(files):
        raise UsageError(
            "--model reads a text, and {file} is a file: which of them is meant?",
            "leave out --model, or give a text",
            file=files[-1],
        )
    words: list[str | None] = [*given] or [None]
    readers: list[str | None] = [*models] or [None]
    adapts = adapter and len(words) == 1 and not files
    count = max(len(words), len(readers), 1 + adapts)
    sides = [
        Side(file=Path(word)) if word is not None and word in files else Side(text=word, model=model)
        for word, model in zip(words * (count // len(words)), readers * (count // len(readers)), strict=True)
    ]
    if adapts:
        sides[0] = sides[0]._replace(bare=True)
    _require_heads(both, sides)
    return sides


def _is_file(word: str, models: Sequence[str]) -> bool:
    return (word == STDIN and not models) or names_a_file(word)


def _require_heads(both: BothOptions, sides: Sequence[Side]) -> None:
    """Both heads, or none; of one trace alone, both."""
    if (both.left is None) != (both.right is None):
        raise UsageError("--left and --right name a head each, and only one is given", "give both")
    if len(sides) < TWO and both.left is None:
        raise UsageError(
            "only one trace is given, and nothing to compare it with",
            "name another, or two of its heads with --left LAYER.HEAD and --right LAYER.HEAD",
        )


def read_sides(
    sides: Sequence[Side], making: Making, models: ModelsOptions, layers: Sequence[Sequence[str]]
) -> list[Source]:
    """The trace of each side; of a model, only the ``layers`` of that side are kept. A model that reads both is loaded once."""
    if not models.model:
        require_model(models)
    if all(side.file is not None for side in sides):
        require_no_toy(making.toy, Message("a file"))
    from attnviz.analysis.difference.result import Source

    asked = [
        making._replace(model=_model_of(side, models), layer=layer) for side, layer in zip(sides, layers, strict=True)
    ]
    text = next((_read_once(side) for side in sides if side.file is None and side.text in (None, STDIN)), None)
    found: list[Source] = []
    maker, made_by = None, None
    for side, one in zip(sides, asked, strict=True):
        if side.file is not None:
            trace = read_trace(SourceOptions(from_=side.file), one._replace(toy=ToyOptions(), model=ModelOptions()))
            found.append(Source(trace, "" if str(side.file) == STDIN else str(side.file)))
            continue
        if maker is None or (side.model, side.bare, one.layer) != made_by:
            maker = None  # so that two large models are not held at once
            maker, made_by = maker_of(one), (side.model, side.bare, one.layer)
        words = text if side.text in (None, STDIN) else side.text
        found.append(Source(read_by(maker, SourceOptions(text=words), one)))
    _tell_if_toy(sides, found)
    return found


def _tell_if_toy(sides: Sequence[Side], sources: Sequence[Source]) -> None:
    """A text without a model has toy attention: beside a file of anything else, that is seldom what was meant."""
    toys = [source.trace.source.kind == "toy" for source in sources]
    others = [side.file for side, toy in zip(sides, toys, strict=True) if side.file is not None and not toy]
    if others and any(toy and side.file is None for side, toy in zip(sides, toys, strict=True)):
        notice(
            Message(
                "the text has toy attention, and {file} does not: --model DIR_OR_ID names a model that reads the text",
                file=others[0],
            )
        )


def _model_of(side: Side, models: ModelsOptions) -> ModelOptions:
    """The options of the model that reads the text of one side."""
    own = {"model": side.model} | ({"adapter": None} if side.bare else {})
    return ModelOptions(**(vars(models) | own))


def _read_once(side: Side) -> str:
    return read_text(SourceOptions(text=side.text))
