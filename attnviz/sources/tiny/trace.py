"""A run of the tiny model as the record that every look takes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy

from attnviz.attention.formula import softmax
from attnviz.choices import ALTERNATIVES, TINY, Verify
from attnviz.errors import AttnvizError
from attnviz.sources.recording.agreement import require_agreement
from attnviz.sources.recording.sampled import EACH
from attnviz.sources.tiny.evidence import known_roles
from attnviz.sources.tiny.model import Run, TinyModel, Words
from attnviz.sources.tiny.weights import MATRICES
from attnviz.text.message import Message
from attnviz.trace.agreement import Agreement
from attnviz.trace.layer import Layer
from attnviz.trace.origin import Origin
from attnviz.trace.projection import Projection
from attnviz.trace.selectors import layers_meant
from attnviz.trace.trace import Trace


def read(
    model: TinyModel,
    text: str,
    *,
    layer: Sequence[str] = (),
    target: object = None,
    chat: bool = False,
    pair: object = None,
    verify: Verify = Verify.ALL,  # noqa: ARG001  # it is so small that each query is compared, whatever is asked for
    predictions: int | None = None,
) -> Trace:
    """The trace of one text that ``model`` reads, with what may come next at each position; see ``attnviz.trace_model``.

    layer        the ones that are kept, as selectors.py reads them; nothing is all
    predictions  how many words are kept that may come next; None: as many as of what is generated

    AttnvizError where there is a ``target``, ``chat`` or a ``pair``, of which it knows nothing.
    """
    require_text(text, chat, target, pair)
    words = model.encode(text)
    known = [("", number) for number in range(len(model.weights.layers))]
    wanted = layers_meant(layer, known, Message("the {tiny} model", tiny=TINY))
    run = model.run(model.embed(words))
    made = layers(model, words, run)
    likeliest = likeliest_words(model, run.stream, predictions or ALTERNATIVES)
    return Trace(
        words.tokens,
        tuple(made[number] for number in wanted),
        origin(model, made, run).of_text(text),
        tuple(map(tuple, likeliest)),
        roles=known_roles(model),
    )


def require_text(text: object, chat: bool, target: object = None, pair: object = None) -> None:
    """Refuse anything but a text as it stands."""
    if pair is not None:
        raise AttnvizError("the tiny model knows no pairs: nothing separates two texts for it", "give both as one text")
    if target is not None:
        raise AttnvizError("the tiny model has no decoder that reads a target of its own", "leave it out")
    if chat:
        raise AttnvizError("the tiny model has no chat template", "leave out --chat")
    if not isinstance(text, str):
        raise AttnvizError("the tiny model reads a text, and this is a {kind}", "give a text", kind=type(text).__name__)


def layers(model: TinyModel, words: Words, run: Run) -> tuple[Layer, ...]:
    """What each layer of a whole run held: inputs, W_Q, W_K, W_V and W_O, Q, K and V, and the rule with its bias by distance.

    The first layer's embeddings and positions are apart. No normalisation stands before the attention of any layer, so a
    layer's inputs times W_Q are its queries, and what all heads of it add is its projected row.
    """
    tokens = len(words.tokens)
    embeddings = model.embed(words)
    positions = model.weights.positions[:tokens]
    made = []
    for number, (weights, one) in enumerate(zip(model.weights.layers, run.layers, strict=True)):
        made.append(
            Layer(
                one.query,
                one.key,
                one.value,
                model.rule(number, tokens, tokens),
                index=number,
                name=model.name,
                embeddings=one.inputs if number else embeddings,
                positions=None if number else positions,
                projections={name: Projection(getattr(weights, name)) for name in MATRICES},
            )
        )
    return tuple(made)


def origin(model: TinyModel, made: Sequence[Layer], run: Run) -> Origin:
    """Where a trace of ``model`` comes from, and how far its layers, recomputed, are from what the run computed.

    AttnvizError where that is more than rounding: where a key/value cache has lost something.
    """
    errors = {
        layer.title: require_agreement(layer, one.output.swapaxes(0, 1), comparison=EACH)
        for layer, one in zip(made, run.layers, strict=True)
    }
    queries = run.stream.shape[-2]
    agreement = Agreement(max(errors.values()), queries, errors, queries)
    facts = {"architecture": type(model).__name__, "dtype": str(model.weights.own.dtype), "device": "cpu"}
    return Origin(kind="model", model=model.name, agreement=agreement.facts(), **facts)


def likeliest_words(
    model: TinyModel, stream: numpy.ndarray, first: int = ALTERNATIVES
) -> list[list[tuple[str, float]]]:
    """For each position the ``first`` likeliest next words with their probabilities, the likeliest first."""
    logits = model.logits(stream)  # (tokens, words)
    shares = softmax(logits)
    order = numpy.argsort(-logits, axis=-1, kind="stable")[:, :first]
    return [
        [(model.weights.words[word], float(row[word])) for word in likeliest]
        for row, likeliest in zip(shares, order, strict=True)
    ]
