"""What a page knows beside its arrays: tokens, rules, metrics and words, as JSON."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from attnviz.analysis.head_names import CHANCED
from attnviz.analysis.measure import Measured, measure_heads
from attnviz.analysis.metrics import Metric
from attnviz.analysis.named_heads import NEEDED, names_of
from attnviz.choices import Language
from attnviz.renderers.page.blobs import Blobs
from attnviz.renderers.page.carried import carried_facts
from attnviz.renderers.page.digits import Errors, rounded_up
from attnviz.renderers.page.forms import Form
from attnviz.renderers.page.image import image_record
from attnviz.renderers.page.levels import FINE_LEVELS, LEVELS
from attnviz.renderers.page.packing import PackedPart, Part
from attnviz.renderers.page.patterns import MEASURED, pattern_record
from attnviz.renderers.page.pooled_maps import PooledLayer
from attnviz.renderers.page.selected import computed_type, kv_indices
from attnviz.renderers.page.token_lists import TokenLists
from attnviz.renderers.page.words import packed_words, words
from attnviz.renderers.shared.choice import last_choice
from attnviz.renderers.shared.facts import whose_bias
from attnviz.renderers.shared.head_names import number
from attnviz.renderers.shared.labels import file_name, text_of
from attnviz.text.display import shown, shown_line
from attnviz.text.lessons import lessons
from attnviz.trace.selection import LayerSelection
from attnviz.trace.trace import Trace

if TYPE_CHECKING:
    from PIL.Image import Image

TITLE_TOKENS = 60  # of a long text, more than a heading shows, so that it knows there are more
TITLE_LETTERS = 400  # the same where the text itself is known
METRIC_DECIMALS = 4  # more than is shown: thousands of numbers take room
CACHED = 1 << 19  # cells measured at once, whose arrays a processor's cache holds
NO_POOLED: Mapping[int, PooledLayer] = MappingProxyType({})
SORTED_BY = (Metric.ENTROPY, Metric.FIRST, Metric.PREVIOUS, Metric.INDUCTION)


def make_record(
    trace: Trace,
    parts: Sequence[Part],
    packed: Sequence[PackedPart],
    language: Language,
    blobs: Blobs,
    run: Callable[..., Iterable[Any]] = map,
    pooled: Mapping[int, PooledLayer] = NO_POOLED,
    image: Image | None = None,
) -> dict[str, Any]:
    """The record of a page of these ``parts`` of ``trace``, of the same layer one after the other; their ``packed`` arrays
    are put into ``blobs``.

    ``pooled`` holds, by their places, the parts that are pooled; ``run`` is a ``map`` that may work on several at once.
    """
    selected_layers, texts = [part.selected for part in parts], TokenLists()
    some = next(iter(pooled.values()), None)
    return (
        {
            "type": str(selected_layers[0].layer.queried.dtype).rpartition(".")[2],
            "special": not any(selected.skips_tokens for selected in selected_layers),
            "text": _text(trace, selected_layers[0]),
            "heading": _heading(trace, selected_layers[0], bool(pooled)),
            "pool": some.frame.pool.value if some else None,
            "sines": trace.source.has_sines,
            "bias": whose_bias(trace.source),
            "texts": texts.lists,  # which the layers fill
            "layers": _layers(trace, parts, packed, texts, blobs, run, pooled),
            "language": language.value,
            "languages": {other.value: lessons(other).messages["page.language_name"] for other in Language},
            "others": packed_words(trace, selected_layers, language, some),
        }
        | _choice(trace, selected_layers[0])
        | _next_tokens(trace, parts)
        | image_record(image, parts)
        | words(trace, selected_layers, language, some)
    )


def _layers(
    trace: Trace,
    parts: Sequence[Part],
    packed: Sequence[PackedPart],
    texts: TokenLists,
    blobs: Blobs,
    run: Callable[..., Iterable[Any]],
    pooled: Mapping[int, PooledLayer],
) -> list[dict[str, Any]]:
    """What the page knows of each part: names, rule, metrics, and where its arrays are."""
    # This begins now, and goes on while arrays are added.
    metrics = iter(run(partial(_metrics, trace), [part.selected for part in parts if part.form is not Form.POOLED]))
    layers = [
        _pooled_layer(trace, pooled[place], texts) if place in pooled else _computed_layer(trace, part.selected, texts)
        for place, part in enumerate(parts)
    ]
    known: list[Any] = []  # the layers so far
    for record, part, arrays in zip(layers, parts, packed, strict=True):
        if not known or known[-1] is not part.selected.layer:
            known.append(part.selected.layer)
        record |= {"of": len(known) - 1, "form": part.form.value, "error": rounded_up(arrays.error)} | _errors(
            arrays.errors
        )
        record |= {name: blobs.add(array) for name, array in arrays.arrays.items()}
    for place, record in enumerate(layers):
        if place not in pooled:
            record |= next(metrics)
    return layers


def _errors(errors: Errors | None) -> dict[str, Any]:
    """The most that each step is off by, where the browser computes it from rounded numbers."""
    return {} if errors is None else {"errors": {name: rounded_up(error) for name, error in errors._asdict().items()}}


def _computed_layer(trace: Trace, selected: LayerSelection, texts: TokenLists) -> dict[str, Any]:
    """A layer whose steps the browser computes."""
    layer, rule = selected.layer, selected.layer.rule
    if layer.weights_alone:
        return _given_layer(trace, selected, texts)
    return _named(selected, LEVELS) | {
        "kvHeads": [layer.kv_head(head) for head in selected.heads],
        "kvIndices": kv_indices(selected),
        "grouped": layer.group > 1,
        "dimension": layer.query.shape[-1],
        **_sides(trace, selected, texts),
        "computed": computed_type(selected),
        "scale": layer.scale,
        "givenScale": rule.scale is not None,
        "causal": rule.causal,
        "window": rule.window,
        "softcap": rule.softcap,
        "offset": rule.offset_for(layer.queries, layer.keys),
        "hasMask": rule.mask is not None,
        "hasBias": rule.bias is not None,
        "hasSinks": rule.sinks is not None,
        "slopes": None if layer.slopes is None else [layer.slopes[head] for head in selected.heads],
        **carried_facts(selected),
    }


def _given_layer(trace: Trace, selected: LayerSelection, texts: TokenLists) -> dict[str, Any]:
    """A layer of weights alone: nothing can be computed."""
    sides = _sides(trace, selected, texts)
    return _named(selected, LEVELS) | {"kvHeads": list(selected.heads), "grouped": False, "alone": True} | sides


def _sides(trace: Trace, selected: LayerSelection, texts: TokenLists) -> dict[str, Any]:
    """The tokens of the queries and of the keys, and whether these are others."""
    layer = selected.layer
    queries, keys = trace.query_tokens(layer), trace.key_tokens(layer)
    return {
        "queryTexts": texts.add(queries, sorted(trace.special_queries(layer))),
        "keyTexts": texts.add(keys, sorted(trace.special_keys(layer))),
        "apart": layer.key_tokens is not None,
    }


def _pooled_layer(trace: Trace, pooled: PooledLayer, texts: TokenLists) -> dict[str, Any]:
    """A layer whose maps are here only as weights: nothing is to be computed."""
    selected, (queries, keys) = pooled.selected, pooled.labels(trace)
    unknown: list[float | None] = [None] * len(selected.heads)
    return _named(selected, FINE_LEVELS) | {
        "kvHeads": list(selected.heads),
        "grouped": False,
        "queryTexts": texts.add_labels(queries),
        "keyTexts": texts.add_labels(keys),
        "apart": queries != keys,
        "pooled": pooled.cells,
        "alone": selected.layer.weights_alone,
        "metrics": {metric.value: pooled.metrics.get(metric.value, unknown) for metric in SORTED_BY},
    }


def _named(selected: LayerSelection, levels: int) -> dict[str, Any]:
    """Which layer and heads these are, and how many levels a weight has where there are only weights."""
    layer = selected.layer
    return {"title": layer.title, "index": layer.index, "heads": list(selected.heads), "levelCount": levels}


def _text(trace: Trace, selected: LayerSelection) -> str | None:
    """The beginning of the text itself, where that is known and all of it is looked at."""
    own = selected.layer.tokens is None and selected.region is None
    text = text_of(trace) if own else None
    return text and text[:TITLE_LETTERS]


def _heading(trace: Trace, selected: LayerSelection, pooled: bool) -> list[str] | None:
    """The text that is looked at, or its beginning; None where that is what the labels say."""
    tokens, positions = trace.query_tokens(selected.layer), selected.query_positions[:TITLE_TOKENS]
    if (file := file_name(trace, tokens)) is not None:
        return [shown_line(file)]
    if not pooled:
        return None
    return ["…"] * (positions[0] > 0) + [shown(tokens[position]) for position in positions]


def _choice(trace: Trace, selected: LayerSelection) -> dict[str, Any]:
    """The token that a model chose after the last row, which is none itself; nothing where there is none."""
    choice = last_choice(trace, selected)
    return {} if choice is None else {"choice": choice._asdict()}


def _next_tokens(trace: Trace, parts: Sequence[Part]) -> dict[str, Any]:
    """What comes after each position, and of which layers these are the queries; nothing where cells are of many tokens."""
    whole = [part.form is not Form.POOLED for part in parts]
    if not any(whole) or not (trace.predictions or trace.generation):
        return {}
    from attnviz.renderers.page.next_tokens import next_tokens, predicts

    found = next_tokens(trace)
    return {
        "next": found,
        "nextOf": [one and predicts(trace, part.selected, len(found)) for one, part in zip(whole, parts, strict=True)],
    }


def _metrics(trace: Trace, selected: LayerSelection) -> dict[str, Any]:
    """What the heads are sorted by, the strongest pattern of each, and of a model the names that it has earned."""
    of_model = trace.source.kind == "model"
    only = tuple(dict.fromkeys((*SORTED_BY, *MEASURED, *(NEEDED if of_model else ()))))
    chances = CHANCED if of_model else ()
    measured = measure_heads(trace, selected.layer, heads=selected.heads, only=only, cells=CACHED, chances=chances)
    values = measured.metrics

    def of_head(found: Mapping[Metric, Any], head: int) -> dict[Metric, float]:
        return {metric: float(found[metric][head]) for metric in MEASURED}

    patterns = [
        pattern_record(of_head(values, head), of_head(measured.covered, head), trace.source.drawn)
        for head in selected.heads
    ]
    metrics = {
        metric.value: [
            None if math.isnan(value) else round(value, METRIC_DECIMALS)
            for value in values[metric][list(selected.heads)].tolist()
        ]
        for metric in SORTED_BY
    }
    return {"metrics": metrics, "patterns": patterns} | (_names(measured, selected) if of_model else {})


def _names(measured: Measured, selected: LayerSelection) -> dict[str, Any]:
    """The names of the heads that have any, by their places: [name, number] each."""
    named = {place: names_of(measured, head) for place, head in enumerate(selected.heads)}
    return {
        "names": {
            place: [[one.name.value, number(one.value)] for one in found] for place, found in named.items() if found
        }
    }
