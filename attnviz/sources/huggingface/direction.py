"""The direction in which a model's logit of one token grows, seen while it runs: through its unembedding and its last norm.

Two things are proved and not taken from a name: that the last norm is one of the known kinds (its own outputs are computed again),
and of each layer that what W_O gives is added, and by nothing but additions becomes part of what that norm reads. A layer whose
output goes through another norm first (BERT's, Gemma 2's) has no straight way to the logits, and gets no direction.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.answer_token import answer_token
from attnviz.sources.huggingface.inputs import Reading
from attnviz.sources.huggingface.loading.writers import require_head
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.running import running
from attnviz.sources.huggingface.seams import accepted
from attnviz.sources.recording.agreement import TOLERANCES, dtype_name
from attnviz.trace.direction import Direction
from attnviz.trace.layer import WRITING, Layer
from attnviz.trace.trace import Trace

ADDING = {torch.ops.aten.add.Tensor, torch.ops.aten.add_.Tensor}
KEEPING = {  # what gives the same numbers again
    torch.ops.aten.view.default,
    torch.ops.aten._unsafe_view.default,
    torch.ops.aten.reshape.default,
    torch.ops.aten.alias.default,
    torch.ops.aten.detach.default,
    torch.ops.aten.clone.default,
    torch.ops.aten._to_copy.default,
}


def directed(model: Model, reading: Reading, trace: Trace, token: str) -> Trace:
    """``trace`` with the direction of the logit of ``token`` in each layer that adds to it.

    ChoiceError where it is no token of the vocabulary; AttnvizError where the model predicts no tokens, or no layer has a
    straight way to the logits.
    """
    require_head(model.model)
    answer = answer_token(model.tokenizer, token)
    seen = _seen(model, reading, trace)
    norm = _norm(seen, type(model.model).__name__)
    row = model.model.get_output_embeddings().weight[answer.number].detach().to(norm.gain)
    vector = norm.gain * row
    vector = vector - vector.mean() if norm.centred else vector
    direction = Direction(answer.label, vector, norm.divisors)
    layers = tuple(replace(one, toward=direction) if one.title in seen.straight else one for one in trace.layers)
    if not seen.straight:
        raise AttnvizError(
            "what the layers of {kind} put out has no straight way to its logits: it goes through a norm of its own first",
            "leave out --toward, or take a model that adds it as it is: Llama, Qwen, Mistral, GPT-2, T5, …",
            kind=type(model.model).__name__,
        )
    return replace(trace, layers=layers)


class _Following(TorchDispatchMode):
    """Which layers' outputs are part of a tensor, by additions alone."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: dict[
            int, tuple[torch.Tensor, frozenset[str]]
        ] = {}  # by their ids, which live as long as the tensors

    def begin(self, output: torch.Tensor, title: str) -> None:
        self._parts[id(output)] = output, frozenset((title,))

    def of(self, tensor: Any) -> frozenset[str]:
        """The layers whose outputs were added to ``tensor``."""
        return self._parts.get(id(tensor), (None, frozenset()))[1]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        if func in ADDING and (kwargs or {}).get("alpha", 1) == 1:
            self._take(made, args[:2])
        elif func in KEEPING:
            self._take(made, args[:1])
        return made

    def _take(self, made: torch.Tensor, parts: Any) -> None:
        titles = frozenset[str]().union(*map(self.of, parts))
        if titles:
            self._parts[id(made)] = made, titles


class _Seen(NamedTuple):
    """What a forward pass has shown.

    norm           the last module with a gain that ran before the unembedding, what it was given and what it gave; None: none
    given          what the unembedding was given
    straight       the layers whose outputs are part of what the norm, or else the unembedding, was given
    """

    norm: tuple[Any, torch.Tensor, torch.Tensor] | None
    given: torch.Tensor
    straight: frozenset[str]


class _Norm(NamedTuple):
    """gain ∘ (x − mean x, where it is centred) / divisor of the position, in float64 or float32."""

    gain: torch.Tensor
    centred: bool
    divisors: torch.Tensor | None


def _seen(model: Model, reading: Reading, trace: Trace) -> _Seen:
    """One more forward pass, watched."""
    following, last = _Following(), dict[str, Any]()
    network: Any = model.model
    inputs = {name: value.to(network.device) for name, value in reading.inputs.items()}
    options = accepted(network, {"use_cache": False, "logits_to_keep": 1})
    with running(model), _hooked(network, trace, following, last), following:
        network(**inputs, **options)
    return _Seen(last.get("norm"), last["given"], last["straight"])


@contextmanager
def _hooked(network: Any, trace: Trace, following: _Following, last: dict[str, Any]) -> Iterator[None]:
    """Hooks that tell ``following`` where the outputs of layers begin, and note in ``last`` what the end of the model sees."""
    head = network.get_output_embeddings()
    titles = {_pointer(layer): layer.title for layer in trace.layers if layer.stack in WRITING} | {None: ""}

    def of_module(module: Any, given: Any, made: Any) -> None:
        weight = getattr(module, "weight", None)
        if not isinstance(weight, torch.Tensor) or not isinstance(made, torch.Tensor):
            return
        if (title := titles.get(weight.data_ptr())) is not None and weight.ndim == 2:
            following.begin(made, title)
        elif weight.ndim == 1 and given and made.shape == given[0].shape and weight.shape == made.shape[-1:]:
            last["norm"] = module, given[0], made
            last["part"] = following.of(given[0])

    def of_head(_: Any, given: Any) -> None:
        last["given"] = given[0]
        last["straight"] = last["part"] if "norm" in last else following.of(given[0])

    with ExitStack() as hooks:
        for module in network.modules():
            hooks.callback(module.register_forward_hook(of_module).remove)
        hooks.callback(head.register_forward_pre_hook(of_head).remove)
        yield


def _pointer(layer: Layer) -> int | None:
    """Where W_O of ``layer`` lies, which is the module's own; None where it is not known."""
    projection = layer.projections.get("output")
    return None if projection is None else int(projection.weight.data_ptr())


def _norm(seen: _Seen, kind: str) -> _Norm:
    """The last norm as numbers; AttnvizError where it is none that is known."""
    if seen.norm is None:
        return _Norm(torch.ones_like(seen.given[0, 0]).float(), centred=False, divisors=None)
    module, given, made = seen.norm
    x, y, end = (one.detach()[0].double() for one in (given, made, seen.given))
    factor = (end[-1] * y[-1]).sum() / (y[-1] * y[-1]).sum()  # T5 scales what its norm gives
    tolerance = TOLERANCES[dtype_name(made)]
    bias = getattr(module, "bias", None)
    rest = y if bias is None else y - bias.detach().double()
    weight = module.weight.detach().double()
    if float((end[-1] - factor * y[-1]).abs().max()) <= tolerance * float(end[-1].abs().max()):
        for gain in (weight, 1 + weight):
            for centred in (False, True):
                plain = gain * (x - x.mean(-1, keepdim=True) if centred else x)
                divisors = (plain * plain).sum(-1) / (plain * rest).sum(-1)
                error = (plain / divisors[:, None] - rest).abs().max()
                if float(error) <= tolerance * float(rest.abs().max()):
                    return _Norm(gain * factor, centred, divisors)
    raise AttnvizError(
        "the last norm of {kind} is of no known kind, so the direction of a logit is not known",
        "leave out --toward",
        kind=kind,
    )
