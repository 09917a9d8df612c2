"""What a page knows beside its arrays: tokens, rules, metrics and sentences, as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Any

from attnviz.analysis.measure import head_metrics
from attnviz.choices import Language, Metric
from attnviz.renderers.page.blobs import Blobs
from attnviz.renderers.page.packing import LEVELS, Attempt, kv_places
from attnviz.renderers.page.pooled_maps import FINE_LEVELS, Long
from attnviz.renderers.shared.labels import file_name, name, shown_line
from attnviz.text.display import shown
from attnviz.text.lessons import lessons
from attnviz.trace.origin import TEXT, exactness, ids, largest_error, model_name, side_of, special
from attnviz.trace.selection import LayerSelection, Selection
from attnviz.trace.trace import Trace

TITLE_TOKENS = 60  # of a long text, more than a heading shows, so that it knows there are more
SORTED_BY = (Metric.ENTROPY, Metric.FIRST, Metric.PREVIOUS, Metric.INDUCTION)
GROUPS = ("page", "label", "title", "scores", "scaled", "masked", "weights", "output", "pair")  # of messages


def make_record(
    trace: Trace,
    selection: Selection,
    attempt: Attempt,
    language: Language,
    blobs: Blobs,
    pool: Executor,
    long: Sequence[Long] = (),
) -> dict[str, Any]:
    """The record of a page of the selected parts of ``trace``; the arrays of ``attempt`` are put into ``blobs``.

    ``long`` holds the layers as they are pooled, where the text is long.
    """
    texts = Texts()
    nothing: list[Long | None] = [None] * len(selection.layers)
    layers = [
        _layer(trace, selected, texts) if one is None else _long_layer(trace, one, texts)
        for selected, one in zip(selection.layers, long or nothing, strict=True)
    ]
    metrics = [pool.submit(_metrics, trace, selected) for selected in selection.layers if not long]
    for record, packed in zip(layers, attempt.layers, strict=True):
        record |= {name: blobs.add(array) for name, array in packed.arrays.items()}
    for record, values in zip(layers, metrics, strict=not long):
        record["metrics"] = values.result()
    model = model_name(trace)
    return {
        "form": attempt.form.value,
        "type": str(selection.layers[0].layer.query.dtype).rpartition(".")[2],
        "error": _rounded_up(attempt.error),
        "special": not any(selected.skips_tokens for selected in selection.layers),
        "words": _words(trace, selection.layers[0], bool(long)),
        "pooled": long[0].cells if long else None,
        "pool": long[0].frame.pool.value if long else None,
        "region": long[0].region if long else None,
        "source": exactness(model, largest_error(trace)) or model,
        "texts": texts.lists,
        "layers": layers,
        "messages": {
            key: message for key, message in lessons(language).messages.items() if key.partition(".")[0] in GROUPS
        },
    }


class Texts:
    """Lists of tokens, each different one once."""

    def __init__(self) -> None:
        self.lists: list[dict[str, Any]] = []
        self._places: dict[tuple[Any, ...], int] = {}

    def add(self, tokens: Sequence[str], special: Sequence[int]) -> int:
        """The place of ``tokens`` among the lists. ``names`` holds those that a sentence names shorter."""
        key = tuple(tokens), tuple(special)
        if key not in self._places:
            labels = [shown(token) for token in tokens]
            short = {place: name(token) for place, token in enumerate(tokens) if name(token) != labels[place]}
            self._places[key] = self._append(labels, short, special)
        return self._places[key]

    def add_labels(self, labels: list[str]) -> int:
        """The place of labels that are shown, and named in a sentence, as they are."""
        key = tuple(labels), None
        if key not in self._places:
            self._places[key] = self._append(labels, {}, [])
        return self._places[key]

    def _append(self, labels: list[str], names: dict[int, str], special: Sequence[int]) -> int:
        self.lists.append({"labels": labels, "names": names, "special": list(special)})
        return len(self.lists) - 1


def _layer(trace: Trace, selected: LayerSelection, texts: Texts) -> dict[str, Any]:
    layer, rule = selected.layer, selected.layer.rule
    queries, keys = trace.query_tokens(layer), trace.key_tokens(layer)
    own = side_of(trace, layer)
    return _facts(selected) | {
        "kvHeads": [layer.kv_head(head) for head in selected.heads],
        "kvPlaces": kv_places(selected),
        "grouped": layer.key.shape[0] != layer.heads,
        "dimension": layer.query.shape[-1],
        "queryTexts": texts.add(queries, _special(trace, own, len(queries))),
        "keyTexts": texts.add(keys, _special(trace, TEXT if layer.kind == "cross" else own, len(keys))),
        "apart": layer.key_tokens is not None,
        "scale": layer.scale,
        "givenScale": rule.scale is not None,
        "causal": rule.causal,
        "window": rule.window,
        "softcap": rule.softcap,
        "offset": rule.offset_for(layer.query.shape[1], layer.key.shape[1]),
        "hasMask": rule.mask is not None,
        "hasBias": rule.bias is not None,
        "hasSinks": rule.sinks is not None,
        "slopes": None if layer.slopes is None else [layer.slopes[head] for head in selected.heads],
    }


def _words(trace: Trace, selected: LayerSelection, long: bool) -> list[str] | None:
    """What the heading says: the text that is looked at, or its beginning; None where that is what the labels say."""
    tokens, places = trace.query_tokens(selected.layer), selected.query_positions[:TITLE_TOKENS]
    if (file := file_name(trace, tokens)) is not None:
        return [shown_line(file)]
    if not long:
        return None
    return ["…"] * (places[0] > 0) + [shown(tokens[place]) for place in places]


def _long_layer(trace: Trace, long: Long, texts: Texts) -> dict[str, Any]:
    """A layer whose maps are here as weights alone: nothing is to be computed."""
    selected, (queries, keys) = long.selected, long.labels(trace)
    unknown: list[float | None] = [None] * len(selected.heads)
    return _facts(selected) | {
        "kvHeads": list(selected.heads),
        "grouped": False,
        "queryTexts": texts.add_labels(queries),
        "keyTexts": texts.add_labels(keys),
        "apart": queries != keys,
        "levelCount": FINE_LEVELS,
        "metrics": {metric.value: long.metrics.get(metric.value, unknown) for metric in SORTED_BY},
    }


def _facts(selected: LayerSelection) -> dict[str, Any]:
    facts = {"title": selected.layer.title, "index": selected.layer.index, "heads": list(selected.heads)}
    return facts | {"levelCount": LEVELS}


def _rounded_up(error: float) -> float:
    """``error`` in two digits, never less than it is."""
    if error == 0:
        return 0.0
    power = 10.0 ** (math.floor(math.log10(error)) - 1)
    return math.ceil(error / power) * power


def _special(trace: Trace, side: str, count: int) -> list[int]:
    """The positions of special tokens, where ``count`` tokens are those of this side of the trace."""
    return sorted(special(trace, side)) if len(ids(trace, side)) == count else []


def _metrics(trace: Trace, selected: LayerSelection) -> dict[str, list[float | None]]:
    values = head_metrics(trace, selected.layer, heads=selected.heads, only=SORTED_BY)
    return {
        metric.value: [
            None if math.isnan(value) else round(value, 6) for value in values[metric][list(selected.heads)].tolist()
        ]
        for metric in SORTED_BY
    }
