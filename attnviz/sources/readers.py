"""Which model reads a text: the tiny one in the package, or one of transformers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from attnviz.choices import OUTPUT, is_tiny
from attnviz.errors import AttnvizError, ChoiceError, UsageError
from attnviz.sources.given import Answer, Given
from attnviz.sources.texts.length import ANY_LENGTH, Length, in_words
from attnviz.trace.trace import Trace


def no_directions() -> AttnvizError:
    """What to raise where the direction of a token is asked for of the model in the package."""
    return AttnvizError(
        "the model in the package tells no direction of a token",
        "take another with --model, or {output}, the layer's own output",
        output=OUTPUT,
    )


def reader(model: Any, tokenizer: Any = None, **options: Any) -> Callable[..., Trace]:
    """The ``model`` that a person names, or has loaded, as a function from a text to a trace.

    tokenizer  of a model that is loaded already
    options    device, dtype, device_map, adapter: of a model that is loaded here; predicts or writes, for its language head
    """
    if is_tiny(model):
        if options.pop("predicts", False):
            raise no_directions()
        options.pop("writes", None)  # it writes in any case
        from attnviz.sources.tiny.loading import load
        from attnviz.sources.tiny.trace import read

        return partial(read, load(model, tokenizer=tokenizer, **options))
    from attnviz.sources.huggingface.model import Model
    from attnviz.sources.huggingface.trace_model import trace

    return partial(trace, Model.of(model, tokenizer, **options))


def reader_of_many(model: Any, tokenizer: Any = None, **options: Any) -> Callable[..., Iterator[Answer]]:
    """The same as a function from many texts, each ``Given``, to the answer to each, in their order; a model of transformers
    reads several at once. What no other text would do better is raised."""
    if is_tiny(model):
        from attnviz.sources.tiny.loading import load

        return partial(_one_by_one, reader(model, tokenizer, **options), load(model).positions)
    from attnviz.sources.huggingface.model import Model
    from attnviz.sources.huggingface.trace_texts import Batches

    loaded = Model.of(model, tokenizer, **options)
    return lambda texts, **asked: Batches(loaded, **asked)(texts)


def _one_by_one(
    read: Callable[..., Trace],
    positions: int,
    texts: Iterable[Given],
    length: Length = ANY_LENGTH,
    batch: int | None = None,  # noqa: ARG001  # it is so small that a text by itself is as fast
    **asked: Any,
) -> Iterator[Answer]:
    for number, given in enumerate(texts):
        beside = {name: value for name, value in given._asdict().items() if value is not None}
        try:
            if length.cut and isinstance(given.text, str):
                beside["text"] = length.within(positions).fitted(given.text, in_words())
            trace = read(**beside, **asked)
            length.require(len(trace.tokens))
            yield number, trace
        except (ChoiceError, UsageError):
            raise
        except AttnvizError as error:
            yield number, error
