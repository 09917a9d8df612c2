"""Forward passes of several texts at once, in which what each layer's attention does is seen, or exchanged.

Texts of one length run together: so none is filled up, and the rule of each layer is the same for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, NamedTuple, NoReturn

import numpy
import torch

from attnviz.attention.rule import Rule
from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.attention_call import AttentionCall
from attnviz.sources.huggingface.call_rules import OncePerTensor, call_rule
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.running import running
from attnviz.sources.huggingface.seams import accepted
from attnviz.sources.huggingface.stacks import LayerAddress
from attnviz.sources.huggingface.switching import watched_by
from attnviz.sources.huggingface.watch import Wanted, Watch
from attnviz.sources.recording.comparing import Kept
from attnviz.trace.asking import Head
from attnviz.trace.layer import Layer

TOGETHER = 256  # tokens in one pass: their gradients fit where the model does


class Seen(NamedTuple):
    """What is seen of one layer in a pass.

    number  the layer's
    call    its attention's
    output  of its heads, before W_O, (texts, tokens, heads, d_v)
    once    what is read of masks that the layers of this pass share
    stack   "encoder", "decoder", "cross"; "" where the model has only one
    """

    number: int
    call: AttentionCall
    output: torch.Tensor
    once: OncePerTensor
    stack: str = ""

    def weights(self) -> torch.Tensor:
        """The weights of all texts, (texts, heads, queries, keys), by the one formula: caps, sinks, windows and masks count."""
        texts = len(self.call.query)
        _require_alike(self.call)
        # The texts' heads, one behind the other, are heads of one layer: head t · heads + h reads key t · kv_heads + its own.
        query, key, value = (array.flatten(0, 1) for array in (self.call.query, self.call.key, self.call.value))
        layer = Layer(query, key, value, _repeated(call_rule(self.call, self.once), texts))
        made: torch.Tensor = layer.steps().weights.unflatten(0, (texts, -1))
        return made


Visit = Callable[[Seen], torch.Tensor]  # → the output that goes on in the model


class Batch(NamedTuple):
    """Texts of one length.

    places    theirs among all texts
    ids       (texts, tokens)
    question  the token of each at which the next word is asked for
    """

    places: list[int]
    ids: torch.Tensor
    question: int


def batches(texts: Sequence[tuple[Sequence[int], int]], together: int = TOGETHER) -> list[Batch]:
    """``texts``, ids and question each, in batches of at most ``together`` tokens, or of one text."""

    def shape(place: int) -> tuple[int, int]:
        ids, question = texts[place]
        return len(ids), question

    made = []
    for (length, question), group in groupby(sorted(range(len(texts)), key=shape), key=shape):
        alike, count = list(group), max(1, together // length)
        for start in range(0, len(alike), count):
            places = alike[start : start + count]
            made.append(Batch(places, torch.tensor([texts[place][0] for place in places]), question))
    return made


@dataclass
class PassWatch(Watch):
    """A Watch over passes of several texts.

    stacks  whether the layers of every stack are seen, or only those of the one where the text is read
    """

    wanted: Wanted = lambda *_: False
    visit: Visit = lambda seen: seen.output
    projections: None = None
    stacks: bool = False

    def read(self, ids: torch.Tensor, visit: Visit, checked: bool = False) -> Any:
        """What the model makes of ``ids``, (texts, tokens), after their last token, while ``visit`` sees each layer.

        checked  compare what is recomputed of the first text with the model's own output, AttnvizError where they differ
        """
        return self.run({"input_ids": ids}, visit, checked, logits_to_keep=1)

    def run(self, inputs: Mapping[str, torch.Tensor], visit: Visit, checked: bool = False, **options: Any) -> Any:
        """The same of ``inputs`` by name, after every token unless ``options`` of the forward pass say otherwise."""
        self.runs.clear()
        self._begin()
        self.visit, self.wanted = visit, lambda stack, _: checked and self._sees(stack)
        given = {name: value.to(self.model.device) for name, value in inputs.items()}
        made = self.model(**given, **accepted(self.model, {"use_cache": False, **options}))
        self.settle()
        for run in self.runs:
            run.kept.layer = None  # that it is what the model computed is all that is asked
        return made

    def attention(self, call: AttentionCall) -> torch.Tensor:
        """What goes on in the model: what its own kernel computes, unless ``visit`` exchanges it."""
        output = super().attention(call)
        run = self.runs[-1]
        return self.visit(Seen(run.number, call, output, self._once, run.stack)) if self._sees(run.stack) else output

    def _sees(self, stack: str) -> bool:
        return self.stacks or not stack

    def _kept(self, call: AttentionCall, address: LayerAddress, number: int, output: torch.Tensor) -> Kept:
        first = call._replace(query=call.query[:1], key=call.key[:1], value=call.value[:1])
        return super()._kept(first, address, number, output)

    def _forget(self, path: str) -> NoReturn:
        raise AttnvizError("{path} attends to parts of a text one by one: its heads cannot be measured", path=path)


def read_all(
    model: Model,
    texts: Iterable[Batch],
    visit_of: Callable[[Batch], Visit],
    then: Callable[[Batch, Any], None] = lambda *_: None,
    checked: bool = False,
) -> tuple[str, ...]:
    """Let ``model`` read each batch while its visit sees the layers; ``then`` is given what the model made of it.

    Returned are the paths of the modules whose attention could not be watched.
    """
    with passes(model) as watch:
        for batch in texts:
            then(batch, watch.read(batch.ids, visit_of(batch), checked))
    return watch.calls.unseen


@contextmanager
def passes(model: Model, stacks: bool = False) -> Iterator[PassWatch]:
    """A PassWatch with which ``model`` reads inside the block; its errors are AttnvizErrors."""
    with watched_by(PassWatch(model.model, stacks=stacks)) as watch, running(model):
        yield watch


def exchanged(head: Head, value: torch.Tensor, question: int | None = None) -> Visit:
    """A Visit that puts ``value`` in the place of one head's output: at every token, (d_v,), or at the question alone,
    (texts, d_v)."""

    def visit(seen: Seen) -> torch.Tensor:
        layer, number = head
        if seen.number != layer:
            return seen.output
        at = (slice(None), slice(None) if question is None else question, number)
        return replaced(seen.output, at, value[..., : seen.output.shape[-1]])

    return visit


def replaced(output: torch.Tensor, at: Any, value: torch.Tensor) -> torch.Tensor:
    """The ``output`` of a layer's heads with ``value`` in the place ``at``; ``output`` itself stays as it is."""
    changed = output.clone()
    changed[at] = value.to(changed)
    return changed


def _require_alike(call: AttentionCall) -> None:
    """Refuse masks and biases that differ from text to text of one length: the rule is read of the first."""
    for array in (call.mask, call.options.get("position_bias")):
        if array is not None and len(array) > 1 and not bool((array == array[:1]).all()):
            raise AttnvizError(
                "{kind} masks each text in another way: its heads cannot be measured", kind=type(call.module).__name__
            )


def _repeated(rule: Rule, texts: int) -> Rule:
    """``rule`` for the heads of all texts."""

    def of_heads(array: Any) -> Any:
        if array is None or array.ndim < 3 or len(array) == 1:
            return array
        return torch.as_tensor(numpy.array(array) if isinstance(array, numpy.ndarray) else array).repeat(texts, 1, 1)

    sinks = None if rule.sinks is None else rule.sinks.repeat(texts)
    return replace(rule, mask=of_heads(rule.mask), bias=of_heads(rule.bias), sinks=sinks)
