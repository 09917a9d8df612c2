"""From many texts to what is made of each, in their order; a model reads several at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from attnviz.cli.input.corpus import Corpus
from attnviz.cli.input.model_traces import ModelTraces, TinyTraces
from attnviz.cli.input.traces import Making, TraceMaker, directed, maker_of, require_one_source
from attnviz.cli.options.source import BatchOptions
from attnviz.cli.output.streams import notice
from attnviz.cli.typer_groups import dashed
from attnviz.errors import AttnvizError, ChoiceError, UsageError
from attnviz.sources.given import Then, as_it_is
from attnviz.text.message import Message

if TYPE_CHECKING:
    from attnviz.sources.texts.corpus import CorpusText, Unread
    from attnviz.trace.trace import Trace
    from attnviz.trace.weights_of_texts import StartWeighing

Made = TypeVar("Made")
Failed = Callable[["CorpusText | Unread", AttnvizError], None]
Report = Callable[[int], None]  # how many texts are done that have not been handed on yet
NAMED = "{name}: {said}"


def no_report(_: int) -> None:
    """Nobody asks how many are done."""


def read_lines(
    corpus: Corpus,
    making: Making,
    reading: BatchOptions,
    failed: Failed | None = None,
    report: Report = no_report,
    then: Then = as_it_is,
    weigh: StartWeighing | None = None,
) -> Iterator[tuple[CorpusText, Any]]:
    """A trace for each text of ``corpus`` that is not blank, in their order; or what ``then`` makes of it, in any thread, or
    ``weigh`` of texts that a model reads together.

    A text of which no trace can be made is an error that names it; or it is left to ``failed``, and the rest goes on.
    """
    require_one_source(corpus.source, making.model)
    if getattr(corpus.source, "from_", None) is not None:
        raise UsageError("--lines is for texts: --from brings one trace")
    maker = maker_of(making)
    if making.model.image is not None:
        raise UsageError("--lines is for texts, and --image is one image", "leave out --lines")
    if isinstance(maker, ModelTraces | TinyTraces):
        if maker.reads_images:
            raise UsageError("--lines is for texts, and this model looks at an image", "leave out --lines")
        maker.quiet = True
    require_model(making, reading)

    if isinstance(maker, ModelTraces) and making.toward is None:
        several, batches = maker.many, maker.batches(reading, then, weigh)
        yield from _told(
            corpus,
            lambda: batches.ahead,
            lambda texts: several(batches, [one.text for one in texts], report),
            failed,
            batches.first,
        )
    else:

        def make(text: str) -> Any:
            return then(directed(_within(maker, text, reading), making))

        yield from of_lines(corpus, make, failed)
    if isinstance(maker, TinyTraces):
        maker.tell()


def of_lines(
    corpus: Corpus, make: Callable[[str], Made], failed: Failed | None = None
) -> Iterator[tuple[CorpusText, Made]]:
    """The same of whatever ``make`` makes of a text."""
    yield from _told(corpus, _one, lambda texts: each(texts, lambda one: make(one.text)), failed)


def each(texts: Iterable[CorpusText], make: Callable[[CorpusText], Made]) -> Iterator[tuple[int, Made | AttnvizError]]:
    """What ``make`` makes of each text, with its place, or why it makes nothing; what no text would do better is raised."""
    for place, text in enumerate(texts):
        try:
            yield place, make(text)
        except (ChoiceError, UsageError) as error:
            raise named_error(text, error) from None
        except AttnvizError as error:
            yield place, error


def _within(maker: TraceMaker | ModelTraces | TinyTraces, text: str, reading: BatchOptions) -> Trace:
    """The trace of a text that is read by itself, and is no longer than it may be."""
    from attnviz.sources.texts.length import Length

    length = Length(reading.max_length, reading.cut)
    trace = maker(maker.fit(text, reading) if length.cut else text)
    if not length.cut:
        length.require(len(trace.tokens))
    return trace


@contextmanager
def named_text(text: CorpusText | Unread | None) -> Iterator[None]:
    """Errors in the block are those of ``text``, if there is one."""
    try:
        yield
    except AttnvizError as error:
        if text is None:
            raise
        raise named_error(text, error) from None


def named_error(text: CorpusText | Unread, error: AttnvizError) -> AttnvizError:
    """``error`` as one of ``text``."""
    return type(error)(NAMED, error.hint, name=text.name, said=error.message)


def _told(
    corpus: Corpus,
    ahead: Callable[[], int],
    answered: Callable[[Sequence[CorpusText]], Iterator[tuple[int, Made | AttnvizError]]],
    failed: Failed | None,
    first: int = 1,
) -> Iterator[tuple[CorpusText, Made]]:
    """What there is for each text; what there is not is told."""
    from attnviz.sources.texts.corpus import CorpusText, Unread
    from attnviz.sources.texts.windows import in_order, windows

    blank = number = 0
    for window in windows(corpus, ahead, corpus.is_there, first):
        places = [place for place, one in enumerate(window) if isinstance(one, CorpusText)]
        answers = answered([window[place] for place in places]) if places else ()  # type: ignore[misc]
        for place, answer in in_order(len(window), places, answers):
            number, one = number + 1, window[place]
            error = answer if isinstance(answer, AttnvizError) else getattr(one, "error", None)
            if isinstance(one, Unread) and one.blank:
                blank += 1
            elif error is None:
                yield one, answer  # type: ignore[misc]  # of a text there is one
            elif failed is None:
                raise error if getattr(one, "whole", False) else named_error(one, error)
            else:
                failed(one, error)
    if blank == number:
        raise AttnvizError("no line holds a word", "give at least one word")
    if blank:
        notice(Message("{blank:,} blank lines skipped", blank=blank))


def require_no_batch(reading: BatchOptions) -> None:
    """Refuse what says how many texts are read, where there is one."""
    for name in ("batch", "max_length", "cut"):
        if getattr(reading, name) != getattr(BatchOptions, name):
            raise UsageError("--{name} is for many texts", "add --lines, or leave out --{name}", name=dashed(name))


def require_model(making: Making, reading: BatchOptions) -> None:
    """Refuse a batch of what is no model."""
    if reading.batch is not None and making.model.model is None:
        raise UsageError("--batch is for a real model", "add --model DIR_OR_ID")


def _one() -> int:
    return 1
