"""One attention layer: Q, K, V and the rule that turns scores into weights; or the weights alone, where nothing else is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from attnviz.attention.arrays import Array, as_array, as_floating, like
from attnviz.attention.checks import of_heads, of_scores, require_finite, require_fitting, require_one_a_head
from attnviz.attention.formula import Steps, attend
from attnviz.attention.heads import concat_heads
from attnviz.attention.known_weights import KnownWeights, known_weights, require_tellable, weights_alone
from attnviz.attention.memory import require_memory
from attnviz.attention.rule import RULE_ARRAYS, Rule
from attnviz.errors import AttnvizError
from attnviz.text.characters import valid_text, valid_texts
from attnviz.text.message import AND, Message, joined
from attnviz.trace.boxes import take_boxes
from attnviz.trace.layer_facts import require_facts
from attnviz.trace.projection import Projection, known_numbers, no_truths

if TYPE_CHECKING:
    from attnviz.trace.direction import Direction
    from attnviz.trace.rotation import Rotation

BYTES_A_CELL = 5 * 8  # five steps in float64
TOWERS = ("vision", "audio", "connector")  # of a model that reads more than text
WRITING = ("", "decoder", "cross")  # the stacks whose queries are what a model writes
VECTORS, WEIGHTS = ("query", "key", "value"), "weights"  # the arrays of a layer's heads: all of the first, or the other
STACKS = ("encoder", "decoder", "cross", *TOWERS)  # of a model that has several: its layers are named "cross 0"


@dataclass(frozen=True, eq=False, repr=False)
class Layer:
    """One attention layer, of NumPy arrays or torch tensors. Arrays of other libraries become NumPy's, as in attend().

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
    rotation     by which angles, where that is known
    boxes        (keys, 4): left, top, right, bottom of what each key shows of a picture; NaN: nothing. query_boxes where others
    slopes       one per head, where the rule's bias is −slope × distance (ALiBi, Press et al. 2021)
    toward       along what contributions are measured, with a sign; None: how long they are
    weights      (heads, queries, keys), in place of query, key and value where these are not known: as another program gave
                 them. A 0 is then a weight of 0; only what ``rule`` tells (causal, window, mask) is hidden
    """

    query: Array = None
    key: Array = None
    value: Array = None
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
    rotation: Rotation | None = None
    slopes: tuple[float, ...] | None = None
    weights: Array | None = None
    boxes: Any = None
    query_boxes: Any = None
    toward: Direction | None = None

    def __post_init__(self) -> None:
        self._require_one_kind()
        of_heads = (WEIGHTS,) if self.weights_alone else VECTORS
        vars(self).update(
            {name: _numbers(getattr(self, name), name) for name in of_heads}
            | {name: known_numbers(getattr(self, name), name) for name in ("embeddings", "positions")},
            tokens=None if self.tokens is None else valid_tokens(self.tokens),
            key_tokens=None if self.key_tokens is None else valid_tokens(self.key_tokens),
            name=valid_text(self.name) if isinstance(self.name, str) else self.name,
            rule=_with_arrays(self.rule),
            slopes=None if self.slopes is None else tuple(map(float, self.slopes)),
        )
        take_boxes(self)
        self._require_fitting()

    def _require_one_kind(self) -> None:
        """Refuse a layer that has neither query, key and value nor weights, or some of both."""
        there = [name for name in (*VECTORS, WEIGHTS) if getattr(self, name) is not None]
        if there not in ([*VECTORS], [WEIGHTS]):
            raise AttnvizError(
                "a layer needs query, key and value, or weights alone; it has {there}",
                there=joined(there, AND) if there else Message("none of them"),
            )

    def _require_fitting(self) -> None:
        """What attend() would say of all heads at once, which a look at one head must not miss."""
        if self.weights_alone:
            require_tellable(self.rule)
        else:
            require_fitting(self.query, self.key, self.value)
        scores = (self.heads, self.queries, self.keys)
        for name, array in (("mask", self.rule.mask), ("bias", self.rule.bias)):
            if array is not None:
                of_scores(array, name, scores)
        if self.rule.sinks is not None:
            require_one_a_head(self.rule.sinks, self.heads)
        require_facts(self)

    @property
    def stack(self) -> str:
        """Which of a model's stacks this layer is of, or "" where the model has only one."""
        stack = self.name.partition(" ")[0]
        return stack if stack in STACKS and self.name == f"{stack} {self.index}" else ""

    @property
    def title(self) -> str:
        """How a person speaks of this layer: "layer 3", "cross 3"."""
        return f"{self.stack or 'layer'} {self.index}"

    @property
    def weights_alone(self) -> bool:
        """Whether only the weights are known: neither query, key and value nor what follows from them."""
        return self.weights is not None

    @property
    def queried(self) -> Array:
        """What has a row for each query of each head: the query, or the weights alone.  (heads, queries, …)"""
        return self.query if self.weights is None else self.weights

    def known(self, name: str) -> Array:
        """The query, the key or the value; AttnvizError where only the weights are known."""
        if self.weights_alone:
            raise weights_alone(name)
        return getattr(self, name)

    @property
    def heads(self) -> int:
        """How many query heads there are."""
        return int(self.queried.shape[0])

    @property
    def queries(self) -> int:
        """How many queries there are."""
        return int(self.queried.shape[1])

    @property
    def keys(self) -> int:
        """How many keys there are."""
        return int(self.key.shape[1] if self.weights is None else self.weights.shape[2])

    @property
    def group(self) -> int:
        """How many query heads share a key/value head; 1 where that is not known."""
        return 1 if self.weights_alone else self.heads // int(self.key.shape[0])

    def kv_head(self, head: int) -> int:
        """The key/value head that query head ``head`` reads."""
        return head // self.group

    @cached_property
    def scale(self) -> float:
        """The factor of this layer's scores."""
        return self.rule.scale_for(self.known("query").shape[-1])

    @property
    def inputs(self) -> Array | None:
        """What the projections multiply: embeddings plus positions."""
        if self.embeddings is None or self.positions is None:
            return self.embeddings
        return self.embeddings + like(self.embeddings, self.positions)

    @property
    def bare(self) -> bool:
        """Whether Q, K and V are X itself: one head without projections."""
        inputs = self.inputs
        return (
            inputs is not None
            and not self.weights_alone
            and all(
                array.shape[0] == 1 and array.shape[1:] == inputs.shape and bool((array[0] == inputs).all())
                for array in (self.query, self.key, self.value)
            )
        )

    def check(self) -> None:
        """Raise AttnvizError when query, key, value and the rule do not fit together, or hold what is not finite; or when
        what is given as weights can be none."""
        if self.weights_alone:
            for head in range(self.heads):
                self.steps(head)
            return
        require_finite(as_floating(self.query, "query"), "query")
        self.steps(query=0)  # the formula itself knows every other rule

    def steps(self, head: int | None = None, query: int | range | None = None) -> Steps | KnownWeights:
        """The five steps of one head, (queries, keys) each, or of all, (heads, queries, keys); or of one or
        some queries alone. Of weights alone there are these, and what is hidden: any other step is an AttnvizError.

        AttnvizError when there is no such head, or when the map would not fit into memory.
        """
        rows = range(query, query + 1) if isinstance(query, int) else query
        layer = self if rows is None else self._of_queries(rows)
        if head is not None and not 0 <= head < self.heads:
            raise AttnvizError(
                "head {head} does not exist: the layer has heads 0 to {heads}", head=head, heads=self.heads - 1
            )
        rule = layer.rule if head is None else layer.rule.of_head(head)
        require_memory(
            (self.heads if head is None else 1) * layer.queries * layer.keys * BYTES_A_CELL,
            Message("attention of {queries:,} queries over {keys:,} keys", queries=layer.queries, keys=layer.keys),
            "give a shorter text: a head is computed as a whole",
        )
        if layer.weights is not None:
            weights = layer.weights if head is None else layer.weights[head]
            return known_weights(weights, rule, head or 0, 0 if rows is None else rows.start)
        queries, keys, values = layer.query, layer.key, layer.value
        if head is not None:
            queries, keys, values = queries[head], keys[self.kv_head(head)], values[self.kv_head(head)]
        return attend(queries, keys, values, **vars(rule))

    def _of_queries(self, rows: range) -> Layer:
        """The same layer with these queries alone, at their own positions among the keys."""
        rule = self.rule.of_queries(rows.start, rows.stop, self.queries, self.keys)
        name = WEIGHTS if self.weights_alone else "query"
        return replace(self, **{name: self.queried[:, rows.start : rows.stop]}, rule=rule)

    def __repr__(self) -> str:
        named = f" ({self.name})" if self.name and self.name != self.title else ""
        alone = ", weights alone" if self.weights_alone else f", d_k {self.query.shape[-1]}"
        return f"Layer({self.title}{named}: {self.heads} heads, {self.queries} queries, {self.keys} keys{alone})"

    def concat(self, outputs: Array) -> Array:
        """(heads, queries, d_v) → (queries, heads · d_v): what W_O multiplies."""
        return concat_heads(outputs)

    def projected(self, concat: Array) -> Array | None:
        """concat · W_O, or None where W_O is not known."""
        projection = self.projections.get("output")
        return None if projection is None else projection(concat)


def _numbers(value: Any, name: str) -> Array:
    """``value`` as numbers, (heads, tokens, d); weights are (heads, queries, keys)."""
    axes = "(heads, queries, keys)" if name == WEIGHTS else "(heads, tokens, d)"
    return no_truths(of_heads(value, name, axes), name)


def _with_arrays(rule: Rule) -> Rule:
    """``rule`` with all that may be an array as one."""
    given = {name: array for name in RULE_ARRAYS if (array := getattr(rule, name)) is not None}
    return replace(rule, **{name: as_array(array, name) for name, array in given.items()}) if given else rule


def valid_tokens(tokens: Iterable[str]) -> tuple[str, ...]:
    """``tokens`` as strings that every file can hold; AttnvizError where one is no string."""
    tokens = tuple(tokens)
    try:
        return valid_texts(tokens)
    except TypeError:
        raise AttnvizError("tokens must be strings") from None
