"""The record in the middle: tokens, and for each layer Q, K, V and the rule that turns scores into weights.

A trace holds inputs, not results: the steps of a head are computed when somebody looks at that head, so a trace
grows with the number of tokens, not with its square.
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from attnviz.attention.arrays import Array, as_array, as_floating, like, overflow_unspoken, to_backend
from attnviz.attention.checks import require_finite
from attnviz.attention.formula import Steps, attend
from attnviz.attention.heads import concat_heads
from attnviz.attention.memory import require_memory
from attnviz.attention.rule import Rule
from attnviz.attention.toeplitz import gathered, is_spread, spread
from attnviz.choices import Step
from attnviz.errors import AttnvizError
from attnviz.files import read_safetensors, write_safetensors
from attnviz.text.characters import valid_text

FORMAT = 1  # of saved traces, and of the JSON
BYTES_A_CELL = 5 * 8  # five steps in float64

LAYER_ARRAYS = ("query", "key", "value", "embeddings", "positions")
LAYER_FACTS = ("index", "name", "kind", "tokens", "key_tokens", "rotary", "slopes")
RULE_ARRAYS = ("mask", "bias", "sinks")
STACKS = (
    "encoder",
    "decoder",
    "cross",
    "vision",
    "audio",
    "connector",
)  # of a model that has several: its layers are named "cross 0"


@dataclass(frozen=True, eq=False)
class Projection:
    """A linear map x W + b, as the paper's W_Q, W_K, W_V and W_O.

    weight  (d_in, d_out): a row vector times this, the transpose of torch.nn.Linear.weight
    bias    (d_out,) or None
    """

    weight: Array
    bias: Array | None = None

    def __call__(self, array: Array) -> Array:
        """(tokens, d_in) → (tokens, d_out)."""
        with overflow_unspoken():
            result = array @ like(array, self.weight)
            result = result if self.bias is None else result + like(array, self.bias)
        require_finite(result, "what the projection yields")
        return result


@dataclass(frozen=True, eq=False)
class Layer:
    """One attention layer.

    query        (heads, queries, d_k)
    key          (kv_heads, keys, d_k): head h reads kv head h // (heads / kv_heads)
    value        (kv_heads, keys, d_v)
    rule         what turns scores into weights
    index        the layer's number in its model
    kind         "self", or "cross" where the keys come from another text
    tokens       the queries' tokens where they are not the trace's; key_tokens the same for keys
    embeddings   (tokens, d): the token vectors that the layer started from, where known
    positions    (tokens, d): what a position encoding added to them
    projections  the known ones of "query", "key", "value" and "output" (W_O)
    rotary       whether query and key were turned by their positions (Su et al. 2021)
    slopes       one a head, where the rule's bias is −slope × distance (ALiBi, Press et al. 2021)
    """

    query: Array
    key: Array
    value: Array
    rule: Rule = field(default_factory=Rule)
    index: int = 0
    name: str = ""
    kind: str = "self"
    tokens: tuple[str, ...] | None = None
    key_tokens: tuple[str, ...] | None = None
    embeddings: Array | None = None
    positions: Array | None = None
    projections: Mapping[str, Projection] = field(default_factory=dict)
    rotary: bool = False
    slopes: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("query", "key", "value"):
            array = as_array(getattr(self, name), name)
            if str(array.dtype).rpartition(".")[2] == "bool":
                array = as_floating(array, name)
            if array.ndim == 2:
                array = array[None]
            if array.ndim != 3:
                raise AttnvizError(f"{name} has the shape {tuple(array.shape)}: expected (heads, tokens, d)")
            object.__setattr__(self, name, array)
        if self.slopes is not None:
            object.__setattr__(self, "slopes", tuple(float(slope) for slope in self.slopes))
        object.__setattr__(self, "name", valid_text(self.name) if isinstance(self.name, str) else self.name)
        for name in ("tokens", "key_tokens"):
            tokens = getattr(self, name)
            object.__setattr__(self, name, None if tokens is None else _texts(tokens))
        arrays = {name: getattr(self.rule, name) for name in RULE_ARRAYS if getattr(self.rule, name) is not None}
        if arrays:
            rule = replace(self.rule, **{name: as_array(array, name) for name, array in arrays.items()})
            object.__setattr__(self, "rule", rule)
        self._require_fitting()

    def _require_fitting(self) -> None:
        """What attend() would say of all heads at once, which a look at one head must not miss."""
        (heads, _, width), (kv_heads, keys, key_width) = self.query.shape, self.key.shape
        for name in ("query", "key", "value"):
            if 0 in getattr(self, name).shape:
                raise AttnvizError(f"{name} is empty: its shape is {tuple(getattr(self, name).shape)}")
        if heads % kv_heads:
            raise AttnvizError(
                f"{heads} query heads do not divide over {kv_heads} key heads: each key head serves as many"
            )
        if self.value.shape[0] != kv_heads:
            raise AttnvizError(f"key has {kv_heads} heads but value has {self.value.shape[0]}: they come in pairs")
        if self.value.shape[1] != keys:
            raise AttnvizError(f"key has {keys} tokens but value has {self.value.shape[1]}: they come in pairs")
        if width != key_width:
            raise AttnvizError(f"query has {width} dimensions but key has {key_width}: their dot product needs as many")
        for name in ("mask", "bias"):
            array = getattr(self.rule, name)
            if array is not None and (array.ndim > 3 or (array.ndim == 3 and array.shape[0] not in (1, heads))):
                raise AttnvizError(f"{name} has the shape {tuple(array.shape)}, which does not fit {heads} heads")
        if self.rule.sinks is not None and tuple(self.rule.sinks.shape) != (heads,):
            raise AttnvizError(
                f"sinks has the shape {tuple(self.rule.sinks.shape)}: expected one logit a head, ({heads},)"
            )
        if self.slopes is not None and len(self.slopes) != heads:
            raise AttnvizError(f"{len(self.slopes)} slopes for {heads} heads: give one a head")
        if not all(map(math.isfinite, self.slopes or ())):
            raise AttnvizError(f"slopes are {self.slopes}: they must be finite numbers")
        if not isinstance(self.index, int) or not isinstance(self.name, str) or self.kind not in ("self", "cross"):
            raise AttnvizError(
                f"a layer needs a number, a name and a kind, got {self.index!r}, {self.name!r}, {self.kind!r}"
            )

    @property
    def stack(self) -> str:
        """Which of a model's stacks this layer is of, or "" where the model has but one."""
        stack = self.name.partition(" ")[0]
        return stack if stack in STACKS and self.name == f"{stack} {self.index}" else ""

    @property
    def title(self) -> str:
        """How a person speaks of this layer: "layer 3", "cross 3"."""
        return f"{self.stack or 'layer'} {self.index}"

    @property
    def heads(self) -> int:
        """How many query heads there are."""
        return int(self.query.shape[0])

    def kv_head(self, head: int) -> int:
        """The key/value head that query head ``head`` reads."""
        return head // (self.heads // int(self.key.shape[0]))

    @cached_property
    def scale(self) -> float:
        """The factor of this layer's scores."""
        return self.rule.scale_for(self.query.shape[-1])

    @property
    def inputs(self) -> Array | None:
        """What the projections multiply: embeddings plus positions."""
        if self.embeddings is None or self.positions is None:
            return self.embeddings
        return self.embeddings + like(self.embeddings, self.positions)

    def check(self) -> None:
        """Raise AttnvizError when query, key, value and the rule do not fit together, or hold what is not finite."""
        queries, keys = self.query.shape[1], self.key.shape[1]
        for name in ("mask", "bias"):
            array = getattr(self.rule, name)
            if array is not None and array.ndim > 1 and array.shape[-2] not in (1, queries):
                raise AttnvizError(
                    f"{name} has the shape {tuple(array.shape)}, which does not fit {queries} queries × {keys} keys"
                )
        require_finite(as_floating(self.query, "query"), "query")
        self.steps(query=0)  # the formula itself knows every other rule

    def steps(self, head: int | None = None, query: int | None = None) -> Steps:
        """The five steps of one head, (queries, keys) each, or of all, (heads, queries, keys); or of one query alone.

        AttnvizError when there is no such head, or when the map would not fit into memory.
        """
        layer = self if query is None else self._of_query(query)
        rule, queries, keys, values = layer.rule, layer.query, layer.key, layer.value
        if head is not None:
            if not 0 <= head < self.heads:
                raise AttnvizError(f"head {head} does not exist: the layer has heads 0 to {self.heads - 1}")
            rule = rule.of_head(head)
            queries, keys, values = queries[head], keys[self.kv_head(head)], values[self.kv_head(head)]
        require_memory(
            math.prod(queries.shape[:-1]) * keys.shape[-2] * BYTES_A_CELL,
            f"attention of {queries.shape[-2]:,} queries over {keys.shape[-2]:,} keys",
            "give a shorter text: a head is computed as a whole",
        )
        return attend(queries, keys, values, **vars(rule))

    def _of_query(self, query: int) -> Layer:
        """The same layer with one query alone, at its own position among the keys."""
        rule = self.rule.of_queries(query, query + 1, self.query.shape[1], self.key.shape[1])
        return replace(self, query=self.query[:, query : query + 1], rule=rule)

    def together(self, steps: Collection[Step]) -> bool:
        """Whether any of ``steps`` needs the outputs of all heads."""
        return (Step.CONCAT in steps and self.heads > 1) or (Step.PROJECTED in steps and "output" in self.projections)

    def concat(self, outputs: Array) -> Array:
        """(heads, queries, d_v) → (queries, heads · d_v): what W_O multiplies."""
        return concat_heads(outputs)

    def projected(self, concat: Array) -> Array | None:
        """concat · W_O, or None where W_O is not known."""
        projection = self.projections.get("output")
        return None if projection is None else projection(concat)


@dataclass(frozen=True, eq=False)
class Trace:
    """Tokens, and the layers that read them; ``source`` says where they come from."""

    tokens: tuple[str, ...]
    layers: tuple[Layer, ...]
    source: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tokens", _texts(self.tokens))
        object.__setattr__(self, "layers", tuple(self.layers))
        if not isinstance(self.source, Mapping):
            raise AttnvizError(f"source is {self.source!r}: expected names and values")
        object.__setattr__(self, "source", _plain(self.source))
        if not self.layers:
            raise AttnvizError("a trace needs at least one layer")
        for layer in self.layers:
            for side, tokens, array in (
                ("query", self.query_tokens(layer), layer.query),
                ("key", self.key_tokens(layer), layer.key),
            ):
                if len(tokens) != array.shape[-2]:
                    raise AttnvizError(f"{len(tokens)} tokens but {side} has {array.shape[-2]}: give one token a row")

    def query_tokens(self, layer: Layer) -> tuple[str, ...]:
        """The tokens of the queries of ``layer``, in order."""
        return self.tokens if layer.tokens is None else layer.tokens

    def key_tokens(self, layer: Layer) -> tuple[str, ...]:
        """The tokens of the keys of ``layer``, in order."""
        return self.query_tokens(layer) if layer.key_tokens is None else layer.key_tokens

    def to(self, backend: str, device: str | None = None, dtype: str | None = None) -> Trace:
        """The same trace held by ``backend`` ("numpy" or "torch"), on ``device``, its numbers as ``dtype``."""

        def move(array: Array | None) -> Array | None:
            return None if array is None else to_backend(array, backend, device, dtype)

        return replace(self, layers=tuple(_map_arrays(layer, move) for layer in self.layers))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write this trace to a .safetensors file, whole or not at all."""
        import json

        arrays: dict[str, Array] = {}
        layers = [_pack(layer, f"layers.{number}.", arrays) for number, layer in enumerate(self.layers)]
        record = {"tokens": self.tokens, "source": dict(self.source), "layers": layers}
        write_safetensors(path, arrays, {"attnviz": str(FORMAT), "trace": json.dumps(record)})

    def to_html(
        self,
        *,
        layer: str | int | Iterable[str | int] = (),
        head: str | int | Iterable[str | int] = (),
        language: str = "en",
        max_size: float = 50.0,
    ) -> str:
        """One offline HTML page of the layers and heads that are selected, as ``attnviz html`` writes it.

        layer, head  numbers and ranges ("0,4-7"); nothing means all
        language     of the page, "en" or "vi"
        max_size     in megabytes: AttnvizError where the page would be larger
        """
        from attnviz.choices import Language
        from attnviz.renderers.page import to_html  # up from here, and so only when somebody looks
        from attnviz.selection import select

        if language not in list(Language):
            raise AttnvizError(f"language is {language!r}: there are {', '.join(Language)}")
        return to_html(self, select(self, layer=_words(layer), head=_words(head)), Language(language), max_size)

    def _repr_html_(self) -> str:
        """How a notebook shows this trace: its page, in a frame."""
        from attnviz.renderers.page.notebook import to_frame

        return to_frame(self)

    def __repr__(self) -> str:
        return f"Trace({len(self.tokens)} tokens, {len(self.layers)} layers, {self.layers[0].heads} heads, {self.source.get('kind', 'arrays')})"


def load(path: str | os.PathLike[str]) -> Trace:
    """Read a trace that ``Trace.save`` wrote; AttnvizError when the file is damaged or holds something else."""
    return unpacked(*read_safetensors(path), path)


def unpacked(arrays: Mapping[str, Array], metadata: Mapping[str, str], path: str | os.PathLike[str]) -> Trace:
    """The trace in the arrays and metadata of the .safetensors file at ``path``."""
    import json

    if "attnviz" not in metadata:
        raise AttnvizError(f"{path} holds arrays, not a saved trace", "attnviz explain --from shows both")
    if metadata["attnviz"] != str(FORMAT):
        raise AttnvizError(
            f"{path} is a trace of format {metadata['attnviz']}, this attnviz reads format {FORMAT}", "update attnviz"
        )
    try:
        record = json.loads(metadata["trace"])
        layers = [_unpack(layer, f"layers.{number}.", arrays) for number, layer in enumerate(record["layers"])]
        return Trace(record["tokens"], tuple(layers), record["source"])
    except AttnvizError as error:
        raise AttnvizError(f"{path} is a damaged trace: {error.message}", "save it again") from None
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise AttnvizError(f"{path} is a damaged trace: {type(error).__name__} {error}", "save it again") from None


def numbered(count: int, prefix: str = "") -> tuple[str, ...]:
    """Names for tokens that came without: their positions."""
    return tuple(f"{prefix}{position}" for position in range(count))


def _words(words: str | int | Iterable[str | int]) -> list[str]:
    """What a person gives for --layer or --head, as the command line has it."""
    return [str(words)] if isinstance(words, str | int) else [str(word) for word in words]


def _plain(value: Any) -> Any:
    """A fact about a source, if it can be written as JSON."""
    if isinstance(value, str):
        return valid_text(value)
    if isinstance(value, Mapping):
        return {valid_text(str(name)): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) or value is None or (isinstance(value, int) and abs(value) < 2**63):
        return value
    raise AttnvizError(f"source holds {str(value)[:40]!r}: expected texts, and numbers below 2⁶³")


def _texts(tokens: Iterable[str]) -> tuple[str, ...]:
    tokens = tuple(tokens)
    if not all(isinstance(token, str) for token in tokens):
        raise AttnvizError("tokens must be texts")
    return tuple(map(valid_text, tokens))


def _map_arrays(layer: Layer, move: Any) -> Layer:
    bias = layer.rule.bias if is_spread(layer.rule.bias) else move(layer.rule.bias)  # torch would hold queries × keys
    rule = replace(layer.rule, mask=move(layer.rule.mask), bias=bias, sinks=move(layer.rule.sinks))
    return replace(
        layer,
        query=move(layer.query),
        key=move(layer.key),
        value=move(layer.value),
        rule=rule,
        embeddings=move(layer.embeddings),
        positions=move(layer.positions),
        projections={name: Projection(move(p.weight), move(p.bias)) for name, p in layer.projections.items()},
    )


def _pack(layer: Layer, prefix: str, arrays: dict[str, Array]) -> dict[str, Any]:
    """What of ``layer`` is not an array; its arrays are put into ``arrays``."""
    named = {name: getattr(layer, name) for name in LAYER_ARRAYS}
    named |= {f"rule.{name}": getattr(layer.rule, name) for name in RULE_ARRAYS}
    if is_spread(layer.rule.bias):
        named |= {"rule.bias": None, "rule.bias_by_distance": gathered(layer.rule.bias)}
    for name, projection in layer.projections.items():
        named |= {f"projections.{name}.weight": projection.weight, f"projections.{name}.bias": projection.bias}
    arrays |= {prefix + name: array for name, array in named.items() if array is not None}
    rule = {name: value for name, value in vars(layer.rule).items() if name not in RULE_ARRAYS}
    return {name: getattr(layer, name) for name in LAYER_FACTS} | {"rule": rule}


def _unpack(record: dict[str, Any], prefix: str, arrays: Mapping[str, Array]) -> Layer:
    own = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
    if (by_distance := own.get("rule.bias_by_distance")) is not None:
        if by_distance.ndim not in (1, 2) or own["query"].ndim != 3 or by_distance.shape[-1] < own["query"].shape[-2]:
            raise ValueError(f"a bias by distance of the shape {tuple(by_distance.shape)}")
        own["rule.bias"] = spread(as_floating(by_distance, "bias"), own["query"].shape[-2])
    rule = Rule(**(record["rule"] | {name: own.get(f"rule.{name}") for name in RULE_ARRAYS}))
    facts: dict[str, Any] = {name: own[name] for name in ("query", "key", "value")}
    facts |= {name: own.get(name) for name in ("embeddings", "positions")}
    facts |= {name: record[name] for name in LAYER_FACTS if name in record}
    for name in ("tokens", "key_tokens"):
        facts[name] = None if facts.get(name) is None else tuple(facts[name])
    projections = {
        name: Projection(own[f"projections.{name}.weight"], own.get(f"projections.{name}.bias"))
        for name in ("query", "key", "value", "output")
        if f"projections.{name}.weight" in own
    }
    return Layer(**facts, rule=rule, projections=projections)
