"""The public call that lets a model read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from attnviz.arguments import Chosen, chosen, member, whole_number
from attnviz.choices import ALTERNATIVES_LIMITS, Verify
from attnviz.errors import AttnvizError

if TYPE_CHECKING:
    from attnviz.sources.huggingface.inputs import Text
    from attnviz.trace.trace import Trace

    Texts = list[str] | tuple[str, ...]


@overload
def trace_model(
    model: Any,
    text: Text,
    *,
    pair: str | None = None,
    tokenizer: Any = None,
    layer: Chosen = (),
    target: Text | None = None,
    chat: bool = False,
    image: Any = None,
    verify: str = "sample",
    device: str | None = None,
    dtype: str | None = None,
    device_map: str | None = None,
    adapter: str | None = None,
    toward: str | None = None,
    predictions: int | None = None,
    batch: int | None = None,
    max_length: int | None = None,
    cut: bool = False,
) -> Trace: ...


@overload
def trace_model(
    model: Any,
    text: Texts,
    *,
    pair: Texts | str | None = None,
    tokenizer: Any = None,
    layer: Chosen = (),
    target: Texts | str | None = None,
    chat: bool = False,
    image: Any = None,
    verify: str = "sample",
    device: str | None = None,
    dtype: str | None = None,
    device_map: str | None = None,
    adapter: str | None = None,
    toward: str | None = None,
    predictions: int | None = None,
    batch: int | None = None,
    max_length: int | None = None,
    cut: bool = False,
) -> list[Trace]: ...


def trace_model(
    model: Any,
    text: Any,
    *,
    pair: Any = None,
    tokenizer: Any = None,
    layer: Chosen = (),
    target: Any = None,
    chat: bool = False,
    image: Any = None,
    verify: str = "sample",
    device: str | None = None,
    dtype: str | None = None,
    device_map: str | None = None,
    adapter: str | None = None,
    toward: str | None = None,
    predictions: int | None = None,
    batch: int | None = None,
    max_length: int | None = None,
    cut: bool = False,
) -> Trace | list[Trace]:
    """The attention of a real model while it reads ``text``: one forward pass, its own kernel, no training state.

    model       a folder or a Hugging Face id, or a model of transformers that is loaded already; "tiny" is the model in the package
    text        a text; or token ids; or the model's inputs by name ("input_ids", "attention_mask", "pixel_values", …). A list of texts gives a list of traces, one a text, each as if it were read alone
    pair        a second text that the model reads with the first, of an encoder with segments; of a list of texts one for each, or one for all. Labels then begin with "A:" or "B:", and ``trace.segments`` says the same in numbers
    tokenizer   of a model that is loaded already, where ``text`` is a text; or its processor, where it looks at an image
    layer       numbers, ranges ("4-7"), "cross 0"; nothing is all. Only these are kept, (heads, tokens, d) each
    target      what the decoder of an encoder-decoder reads; without one, the text itself. Of a list of texts as ``pair``
    chat        put the text into the tokenizer's chat template, as the user's turn
    image       that the model looks at: a file, or a picture of Pillow. Beside inputs by name, the one they were made of
    verify      which queries of a long text are recomputed and compared: a "sample" that costs a tenth of the pass, or "all"
    device, dtype, device_map, adapter   of a model that is loaded here: where, as what, and the folder of a LoRA adapter that is put into it
    predictions how many of the likeliest next tokens are kept after each position, of a model that predicts them; None: none, and of "tiny" five
    batch       how many texts of a list are read at once; None: as many as memory allows, up to 512 tokens on a processor and 32 texts elsewhere
    max_length, cut   a text of more tokens, or of more than the model reads, is an error; or it is cut
    toward      a token of its vocabulary: the direction of its logit is kept, along which a look can measure contributions

    For every layer and head the outputs recomputed from the trace are compared with the model's own; the trace's ``source["agreement"]`` says how far they are apart, and AttnvizError is raised where that is more than rounding.
    AttnvizError also where the model cannot be loaded or watched, it reads no pairs, or the text does not fit it.
    """
    given = locals()
    return _read(**given)


def _read(
    model: Any,
    text: Any,
    pair: Any,
    tokenizer: Any,
    layer: Chosen,
    target: Any,
    chat: bool,
    image: Any,
    verify: str,
    toward: str | None,
    predictions: int | None,
    batch: int | None,
    max_length: int | None,
    cut: bool,
    **loading: Any,
) -> Trace | list[Trace]:
    """The trace of one text, or one of each of several; ``loading`` says where the model's weights go."""
    from attnviz.api.many import batch_of, length_of
    from attnviz.sources.readers import reader, reader_of_many
    from attnviz.sources.texts.length import Length

    asked: dict[str, Any] = {"layer": chosen("layer", layer), "chat": chat, "verify": member(Verify, verify, "verify")}
    if predictions is not None:
        asked["predictions"] = whole_number("predictions", predictions, ALTERNATIVES_LIMITS)
        loading["writes"] = True
    if isinstance(text, list | tuple) and not text:
        raise AttnvizError("there are no texts", "give at least one")
    length = length_of(max_length, cut)
    if not _are_several(text) and length == Length():
        beside = {} if image is None else {"image": image}
        if toward is not None:
            loading, beside = loading | {"predicts": True}, beside | {"toward": toward}
        return reader(model, tokenizer, **loading)(text, target=target, pair=pair, **beside, **asked)
    if toward is not None:
        raise AttnvizError("toward is of one text, as it is", "give one text, or a list of traces to attnviz.stats")
    many = partial(reader_of_many(model, tokenizer, **loading), length=length, batch=batch_of(batch), **asked)
    return _by_many(many, text, target, pair, image)


def _by_many(many: Callable[..., Any], text: Any, target: Any, pair: Any, image: Any) -> Trace | list[Trace]:
    """The traces of several texts; or that of one, read as these are."""
    from attnviz.sources.given import Given

    if not _are_several(text):
        [(_, answer)] = many([Given(text, target, pair, image)])
        if isinstance(answer, AttnvizError):
            raise answer
        return answer  # type: ignore[no-any-return]
    targets, pairs = _of_each("target", target, len(text)), _of_each("pair", pair, len(text))
    texts = [Given(one, own, other, image) for one, own, other in zip(text, targets, pairs, strict=True)]
    return _all_of(many(texts))


def _all_of(answers: Iterable[tuple[int, Any]]) -> list[Trace]:
    """The trace of each text; AttnvizError names the first that has none."""
    traces = []
    for place, answer in answers:
        if isinstance(answer, AttnvizError):
            raise AttnvizError("text {place}: {said}", answer.hint, place=place, said=answer.message) from None
        traces.append(answer)
    return traces


def _are_several(text: Any) -> bool:
    """Whether it is a list of texts, and not one of ids."""
    return isinstance(text, list | tuple) and any(isinstance(one, str | Path | Mapping) for one in text)


def _of_each(name: str, given: Any, count: int) -> Sequence[Any]:
    """What is ``given`` for each of ``count`` texts: one for all, or a list with one for each."""
    if not isinstance(given, list | tuple):
        return [given] * count
    if len(given) != count:
        raise AttnvizError(
            "{given} of {name} for {count} texts: give one for each, or one for all",
            given=len(given),
            name=name,
            count=count,
        )
    return given
