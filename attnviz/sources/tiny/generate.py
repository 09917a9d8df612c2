"""The tiny model writes, word by word, with its key/value cache; each step is kept as it happens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy

from attnviz.attention.formula import softmax
from attnviz.progress import Notice, no_notice
from attnviz.sources.tiny.evidence import known_roles
from attnviz.sources.tiny.model import Cache, LayerRun, Run, TinyModel, Words
from attnviz.sources.tiny.notices import spelled_notice
from attnviz.sources.tiny.sampling import choose
from attnviz.sources.tiny.trace import layers, likeliest_words, origin, require_text
from attnviz.trace.generation import Generation, Predictions
from attnviz.trace.layer import Layer
from attnviz.trace.origin import Origin
from attnviz.trace.trace import Trace
from attnviz.trace.written import Sampling, Written, no_step, require_positions, rows_before


def generate(
    model: TinyModel,
    text: str,
    tokens: int,
    *,
    sampling: Sampling = Sampling(),  # noqa: B008  (never changes)
    alternatives: int,
    chat: bool = False,
    told: Callable[[Written], None] = no_step,
    notice: Notice = no_notice,
) -> Trace:
    """The trace of ``text`` and of the ``tokens`` words that ``model`` writes after it; see ``attnviz.generate``.

    No word of its grammar ends a text, so it writes as many as it is asked for.
    """
    require_text(text, chat)
    words = model.encode(text)
    require_positions(model.positions, len(words.tokens), tokens)
    if (said := spelled_notice(words)) is not None:
        notice(said)
    steps, draw = _Steps(model, alternatives), numpy.random.default_rng(sampling.seed)
    roles = known_roles(model)
    chosen: list[str] = []
    probabilities: list[float] = []
    for step in range(1, tokens + 1):
        logits = steps.read(words)
        number = choose(logits, sampling, draw)
        chosen.append(model.weights.words[number])
        probabilities.append(float(softmax(logits)[number]))
        told(Written(step, chosen[-1], probabilities[-1], steps.predictions[-1], steps.rows, roles))
        words = Words((chosen[-1],), (number,))
    trace = steps.trace()
    source = Origin(trace.source | ({"sampling": sampling._asdict()} if sampling.draws else {}))
    return replace(
        trace,
        source=source,
        predictions=tuple(steps.predictions),
        roles=roles,
        generation=Generation(tuple(chosen), tuple(probabilities), text, _written(text, chosen)),
    )


def _written(text: str, chosen: list[str]) -> str:
    """The words as they stand after ``text``: read together, they are the same tokens again."""
    return ("" if text[-1].isspace() else " ") + " ".join(chosen)


class _Steps:
    """What the model has read so far, as one run."""

    def __init__(self, model: TinyModel, alternatives: int) -> None:
        self._model, self._alternatives = model, alternatives
        self._words, self._cache = Words((), ()), Cache()
        self._runs: list[Run] = []
        self.predictions: list[Predictions] = []

    def read(self, words: Words) -> numpy.ndarray:
        """Read ``words`` too, and return what the model says of the next one: a logit for each of its own words."""
        run = self._model.run(self._model.embed(words), self._cache)
        self._runs.append(run)
        self._words = Words(self._words.tokens + words.tokens, self._words.ids + words.ids)
        self.predictions += map(tuple, likeliest_words(self._model, run.stream, self._alternatives))
        return self._model.logits(run.stream[-1])

    def trace(self) -> Trace:
        """What has run so far; AttnvizError where the cache has lost something of it."""
        run = self._whole()
        made = layers(self._model, self._words, run)
        return Trace(self._words.tokens, made, origin(self._model, made, run))

    def rows(self, last: int) -> tuple[Layer, ...]:
        """The layers with only their ``last`` queries so far, over all of their keys."""
        made = layers(self._model, self._words, self._whole())
        trace = Trace(self._words.tokens, made)
        return rows_before(trace, made, len(trace.tokens), last)

    def _whole(self) -> Run:
        """All runs as one; put together only here, since it takes as long as the text is long."""
        self._runs = [_joined(self._runs, self._cache)]
        return self._runs[0]


def _joined(runs: Sequence[Run], cache: Cache) -> Run:
    """Runs that follow one another as one: what each layer computed of all tokens."""
    return Run(
        _below([run.stream for run in runs]),
        tuple(
            _joined_layer([run.layers[number] for run in runs], key, value)
            for number, (key, value) in enumerate(zip(cache.keys, cache.values, strict=True))
        ),
    )


def _joined_layer(parts: Sequence[LayerRun], key: numpy.ndarray, value: numpy.ndarray) -> LayerRun:
    keys = key.shape[-2]
    return LayerRun(
        key=key,
        value=value,
        weights=_below(
            [  # no row sees keys that came after it
                numpy.pad(part.weights, ((0, 0), (0, 0), (0, keys - part.weights.shape[-1]))) for part in parts
            ]
        ),
        **{name: _below([getattr(part, name) for part in parts]) for name in ("inputs", "query", "output")},
    )


def _below(parts: Sequence[numpy.ndarray]) -> numpy.ndarray:
    """The rows of all ``parts``, one below the other."""
    return numpy.concatenate(parts, axis=-2)
