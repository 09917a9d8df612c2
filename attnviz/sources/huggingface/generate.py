"""A model writes by its own generate() with its own cache, and is watched: nothing is computed again to be shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import torch

from attnviz.errors import AttnvizError
from attnviz.progress import Notice, no_notice
from attnviz.sources.huggingface.assembling import assembled, with_tokens
from attnviz.sources.huggingface.generation_settings import drawn_from, generation_settings
from attnviz.sources.huggingface.inputs import Reading, Text, position_count, read
from attnviz.sources.huggingface.labels import continued, tokens_of_ids
from attnviz.sources.huggingface.loading.errors import silence
from attnviz.sources.huggingface.loading.writers import require_writer
from attnviz.sources.huggingface.model import Model
from attnviz.sources.huggingface.predictions import MOST, Likeliest
from attnviz.sources.huggingface.running import running
from attnviz.sources.huggingface.seams import accepted
from attnviz.sources.huggingface.step_watch import StepWatch
from attnviz.sources.huggingface.switching import unwatched, watched_by
from attnviz.sources.huggingface.tokens import Tokens
from attnviz.trace.generation import Generation
from attnviz.trace.layer import Layer
from attnviz.trace.origin import Origin
from attnviz.trace.trace import Trace
from attnviz.trace.written import Sampling, Written, no_step, require_positions

EXACT = (torch.float32, torch.float64)


def generate(
    model: Model,
    text: Text,
    tokens: int,
    *,
    sampling: Sampling = Sampling(),  # noqa: B008  (never changes)
    alternatives: int,
    chat: bool = False,
    told: Callable[[Written], None] = no_step,
    notice: Notice = no_notice,
) -> Trace:
    """The trace of ``text`` and of up to ``tokens`` tokens that ``model`` writes after it; see ``attnviz.generate``.

    ``told`` is called after each step, ``notice`` with what a person should know.
    """
    network: Any = model.model
    require_writer(network)
    reading = _prompt(model, text, chat)
    _require_positions(model, reading, tokens)
    settings = generation_settings(network, tokens, sampling, notice)
    likeliest = Likeliest(alternatives, model.tokenizer if model.has_tokenizer else None)
    watch = StepWatch(network)
    steps = _Steps(model, reading, watch, likeliest, told)
    surroundings = (_carried(), silence(), drawn_from(sampling, network.device), steps.following(network))
    with watched_by(watch), ExitStack() as stack:
        for one in (*surroundings, running(model)):
            stack.enter_context(one)
        network.generate(**_inputs(network, reading), generation_config=settings, streamer=steps)
    return _trace(model, text, steps, sampling)


def _prompt(model: Model, text: Text, chat: bool) -> Reading:
    """What the model is given; of an encoder-decoder what the encoder reads, unless the decoder's beginning is given too."""
    reading = read(model, text, None, chat)
    if reading.tokens is None:
        raise AttnvizError("a model writes after a text, and there are no input_ids", "give a text, or input_ids")
    if reading.target is not None and not (isinstance(text, dict) and "decoder_input_ids" in text):
        inputs = {name: array for name, array in reading.inputs.items() if name != "decoder_input_ids"}
        return reading._replace(inputs=inputs, target=None)
    return reading


def _require_positions(model: Model, reading: Reading, tokens: int) -> None:
    """Refuse more tokens than the model has positions for; of an encoder-decoder it is its decoder that writes."""
    most = position_count(model.model)
    assert reading.tokens is not None
    before = len(reading.tokens.ids)
    if model.model.config.is_encoder_decoder:
        before = 1 if reading.target is None else len(reading.target.ids)
    if most is not None:
        require_positions(most, before, tokens)


def _inputs(network: Any, reading: Reading) -> dict[str, Any]:
    """What generate() is given."""
    inputs: dict[str, Any] = {name: value.to(network.device) for name, value in reading.inputs.items()}
    ids = inputs["input_ids"]
    if "attention_mask" not in inputs:
        inputs |= accepted(network, {"attention_mask": torch.ones_like(ids)})
    # In half precision the logits of many positions, computed together, round otherwise than those of the last alone.
    if network.dtype in EXACT and ids.shape[1] * network.config.get_text_config().vocab_size <= MOST:
        inputs |= accepted(network, {"logits_to_keep": 0})  # of all positions
    return inputs


class _Carried(BaseException):
    """Takes what a listener raises past all that would tell it as the model's own error."""

    def __init__(self, error: Exception) -> None:
        self.error = error


@contextmanager
def _carried() -> Iterator[None]:
    try:
        yield
    except _Carried as carried:
        raise carried.error from None


class _Steps:
    """What happens from step to step: generate() hands over each token that it chose, as to any streamer."""

    def __init__(
        self, model: Model, reading: Reading, watch: StepWatch, likeliest: Likeliest, told: Callable[[Written], None]
    ) -> None:
        self.model, self.reading, self.watch, self.likeliest, self.told = model, reading, watch, likeliest, told
        self.tokenizer = model.tokenizer if model.has_tokenizer else None
        self.start: Tokens | None = None  # what the model writes after
        self.chosen: list[int] = []
        self.probabilities: list[float] = []

    @contextmanager
    def following(self, network: torch.nn.Module) -> Iterator[None]:
        """Follow the passes of ``network`` inside the block."""
        hooks = (
            network.register_forward_pre_hook(lambda *_: self.watch.begin_pass()),
            network.register_forward_hook(lambda _, __, output: self._ran(output)),
        )
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _ran(self, output: Any) -> None:
        self.likeliest.take(output.logits[0], self.watch.count)

    def put(self, ids: torch.Tensor) -> None:
        """Take what generate() streams: first the tokens that it begins with, then each that it chose."""
        if self.start is None:
            begun = ids.flatten().tolist()
            known = self.reading.target if self.model.model.config.is_encoder_decoder else self.reading.tokens
            self.start = known if known is not None else _marked_start(tokens_of_ids(begun, self.tokenizer))
            for number, label in zip(self.start.ids, self.start.labels, strict=True):
                self.likeliest.name(number, label)
            return
        if not self.watch.steps:
            raise _Carried(unwatched(self.model.model))
        [number] = ids.flatten().tolist()
        self.chosen.append(number)
        self.probabilities.append(self.likeliest.probability(number))
        if self.told is not no_step:
            self._tell(number)

    def end(self) -> None:
        """Nothing more comes."""

    def _tell(self, number: int) -> None:
        label = tokens_of_ids([number], self.tokenizer).labels[0]
        predictions = self.likeliest.after(len(self.before.ids) + len(self.chosen) - 2)
        try:
            self.told(Written(len(self.chosen), label, self.probabilities[-1], predictions, self._rows))
        except Exception as error:
            raise _Carried(error) from None

    def _rows(self, last: int) -> tuple[Layer, ...]:
        reading = self.read(len(self.chosen) - 1)
        return tuple(with_tokens(layer, reading, self.watch.count) for layer in self.watch.rows(last))

    @property
    def before(self) -> Tokens:
        """What the model began with."""
        assert self.start is not None
        return self.start

    def read(self, count: int) -> Reading:
        """What the model has read with the first ``count`` tokens that it wrote."""
        whole = continued(self.before, self.chosen[:count], self.tokenizer)
        if self.model.model.config.is_encoder_decoder:
            return self.reading._replace(target=whole)
        return self.reading._replace(tokens=whole)


def _marked_start(tokens: Tokens) -> Tokens:
    """A decoder's start token is special, whatever it is."""
    return tokens._replace(special=tuple(range(len(tokens.ids))))


def _trace(model: Model, text: Text, steps: _Steps, sampling: Sampling) -> Trace:
    count = len(steps.before.ids) + len(steps.chosen) - 1  # the positions that ran: the last token was never read
    trace = assembled(model, steps.watch.layers(count), steps.watch.calls.unseen, steps.read(len(steps.chosen) - 1))
    whole = continued(steps.before, steps.chosen, steps.tokenizer)
    for number, label in zip(whole.ids, whole.labels, strict=True):
        steps.likeliest.name(number, label)
    generation = Generation(
        whole.labels[len(steps.before.ids) :],
        tuple(steps.probabilities),
        text if isinstance(text, str) else _text(steps.reading.tokens, (), steps.tokenizer),
        _text(steps.before, steps.chosen, steps.tokenizer),
    )
    source = Origin(trace.source | ({"sampling": sampling._asdict()} if sampling.draws else {}))
    predictions = tuple(map(steps.likeliest.after, range(count)))
    return replace(trace, source=source, predictions=predictions, generation=generation)


def _text(before: Tokens | None, ids: Any, tokenizer: Any) -> str | None:
    """What ``ids`` say as a text, that follows ``before``; without any, what ``before`` says. None without a tokenizer."""
    if tokenizer is None or before is None:
        return None
    begun = str(tokenizer.decode(before.ids, skip_special_tokens=True))
    if not ids:
        return begun
    whole = str(tokenizer.decode([*before.ids, *ids], skip_special_tokens=True))
    return whole[len(begun) :] if whole.startswith(begun) else str(tokenizer.decode(ids, skip_special_tokens=True))
