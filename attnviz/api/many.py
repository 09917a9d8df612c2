"""Many texts for a model, several at once, or for the toy, one by one; each is no longer than it may be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from attnviz.arguments import member, whole_number
from attnviz.choices import BATCH_LIMITS, MAX_LENGTH_LIMITS, Tokenizer, Verify, is_tiny
from attnviz.errors import AttnvizError, ChoiceError, UsageError
from attnviz.sources.given import Answer, Then, as_it_is, made
from attnviz.sources.texts.corpus import CorpusText, Unread
from attnviz.sources.texts.length import Length, in_words
from attnviz.sources.texts.windows import in_order, windows
from attnviz.trace.trace import Trace

if TYPE_CHECKING:
    from attnviz.sources.huggingface.trace_texts import Batches
    from attnviz.trace.weights_of_texts import StartWeighing

OF_EACH = ("target", "pair", "image")  # what a model reads beside each text


def length_of(max_length: Any, cut: bool) -> Length:
    """How long a text may be, as Python code says it."""
    return Length(None if max_length is None else whole_number("max_length", max_length, MAX_LENGTH_LIMITS), cut)


def batch_of(batch: Any) -> int | None:
    """How many texts are read at once, as Python code says it."""
    return None if batch is None else whole_number("batch", batch, BATCH_LIMITS)


class Texts:
    """What makes traces of many texts.

    read   makes the trace of one: a partial of trace_model, with its model before it, or of trace_text
    then   what is made of each trace, in any thread; one that is given as it is, too
    weigh  what may be made of texts that a model reads together, of their weights alone, with the same answers; None: nothing
    """

    def __init__(
        self, read: Any, batch: Any, length: Length, then: Then = as_it_is, weigh: StartWeighing | None = None
    ) -> None:
        self.read, self.length, self.then = read, length, then
        self._batches = _batches(read, batch_of(batch), length, then, weigh)
        if self._batches is None and batch is not None and not read.args:
            raise AttnvizError("batch is for a model", "add model=…, or leave out batch")

    def __call__(self, texts: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
        """Each of ``texts`` with what is made of its trace, or why nothing is, in their order; what no other would do better is
        raised."""
        batches = self._batches
        ahead, first = (lambda: 1, 1) if batches is None else (lambda: batches.ahead, batches.first)
        for window in windows(texts, ahead, lambda: True, first):
            places = [place for place, one in enumerate(window) if not isinstance(one, Trace | Unread)]
            given = [_text_of(window[place]) for place in places]
            for place, answer in in_order(len(window), places, self._answers(given)):
                one = window[place]
                if getattr(one, "blank", False):
                    continue
                yield one, made(self.then, one) if isinstance(one, Trace) else getattr(one, "error", answer)

    def _answers(self, texts: list[Any]) -> Iterator[Answer]:
        if self._batches is not None:
            from attnviz.sources.given import Given

            beside = {name: self.read.keywords.get(name) for name in OF_EACH}
            yield from self._batches.window([*enumerate(Given(text, **beside) for text in texts)])
            return
        for place, text in enumerate(texts):
            try:
                trace: Trace = self.read(self._fit(text))
                self.length.require(len(trace.tokens))
                yield place, self.then(trace)
            except (ChoiceError, UsageError):
                raise
            except AttnvizError as error:
                yield place, error

    def _fit(self, text: Any) -> Any:
        """As much of a text as may be read by what reads no batches."""
        if not self.length.cut or not isinstance(text, str):
            return text
        if self.read.args and not is_tiny(self.read.args[0]):
            from attnviz.sources.huggingface.cutting import fitted

            beside = {name: self.read.keywords[name] for name in ("chat", "pair") if name in self.read.keywords}
            return fitted(self.read.args[0], text, self.length, **beside)
        tokenizer = Tokenizer.WORD if self.read.args else self.read.keywords.get("tokenizer", Tokenizer.WORD)
        positions = _positions(self.read)
        return self.length.within(positions).fitted(text, in_words(member(Tokenizer, tokenizer, "tokenizer")))


def _batches(read: Any, batch: int | None, length: Length, then: Then, weigh: StartWeighing | None) -> Batches | None:
    """What reads several texts at once, where a model does that."""
    if not read.args or is_tiny(read.args[0]) or read.keywords.get("toward") is not None:
        return None
    from attnviz.sources.huggingface.trace_texts import Batches

    asked: Mapping[str, Any] = read.keywords
    verify = member(Verify, asked.get("verify", Verify.SAMPLE), "verify")
    predictions = {"predictions": asked["predictions"]} if "predictions" in asked else {}
    return Batches(
        read.args[0],
        layer=asked["layer"],
        chat=asked.get("chat", False),
        verify=verify,
        batch=batch,
        length=length,
        then=then,
        weigh=weigh,
        **predictions,
    )


def _positions(read: Callable[..., Trace]) -> int | None:
    """How many tokens the model in the package reads, where it is that."""
    model = next(iter(getattr(read, "args", ())), None)
    if not is_tiny(model):
        return None
    from attnviz.sources.tiny.loading import load

    return load(str(model)).positions


def _text_of(one: Any) -> Any:
    return one.text if isinstance(one, CorpusText) else one
