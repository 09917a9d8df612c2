"""One attention layer: Q, K, V and the rule that turns scores into weights."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from attnviz.attention.arrays import Array, as_array, as_floating, like, overflow_unspoken
from attnviz.attention.checks import require_finite
from attnviz.attention.formula import Steps, attend
from attnviz.attention.heads import concat_heads
from attnviz.attention.memory import require_memory
from attnviz.attention.rule import RULE_ARRAYS, Rule
from attnviz.choices import Step
from attnviz.errors import AttnvizError
from attnviz.text.characters import valid_text

BYTES_A_CELL = 5 * 8  # five steps in float64
TOWERS = ("vision", "audio", "connector")  # of a model that reads more than text
STACKS = ("encoder", "decoder", "cross", *TOWERS)  # of a model that has several: its layers are named "cross 0"


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
            object.__setattr__(self, name, None if tokens is None else valid_tokens(tokens))
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
        if type(self.index) is not int or not isinstance(self.name, str) or self.kind not in ("self", "cross"):
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


def valid_tokens(tokens: Iterable[str]) -> tuple[str, ...]:
    tokens = tuple(tokens)
    if not all(isinstance(token, str) for token in tokens):
        raise AttnvizError("tokens must be texts")
    return tuple(map(valid_text, tokens))
