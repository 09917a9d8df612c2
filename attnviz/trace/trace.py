"""The record in the middle: tokens, and for each layer Q, K, V and the rule that turns scores into weights.

A trace holds inputs, not results: the steps of a head are computed when you look at that head, so a trace
grows with the number of tokens, not with its square.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from attnviz.attention.arrays import Array, to_backend
from attnviz.errors import AttnvizError
from attnviz.text.display import shorten, shown
from attnviz.text.message import Message
from attnviz.trace.fields import pack_layer, unpacked_layers, with_arrays
from attnviz.trace.known_parts import require_known_parts_fit
from attnviz.trace.layer import WRITING, Layer, valid_tokens
from attnviz.trace.looks import Looks
from attnviz.trace.of_tokens import OfTokens
from attnviz.trace.origin import Origin, read_origin
from attnviz.trace.projection import Projection
from attnviz.trace.token_facts import NO_FACTS, TokenFacts, read_token_facts

if TYPE_CHECKING:
    from attnviz.trace.generation import Generation, Predictions
    from attnviz.trace.roles import HeadRole

FORMAT = 1  # of saved traces, and of the JSON


@dataclass(frozen=True, eq=False)
class Trace(Looks, OfTokens):
    """Tokens, and the layers that read them: inputs, of which the steps of a head are computed when it is looked at.

    tokens       (queries,), as they are shown; of a layer with queries or keys of its own, see ``query_tokens``, ``key_tokens``
    layers       each with its query, key and value, (heads, tokens, d), and its rule; or with weights alone
    source       where they come from, and how exactly they are what a model computed; takes any mapping
    predictions  where a model predicts what comes next, for each query of its text (of its decoder, where it has one) the
                 few likeliest tokens; () as a whole, or of a position, where they are not known
    generation   what the model wrote itself; all of it but the last token is among the tokens
    roles        what is known of roles of the model's heads
    facts        what is known of each token of the text beside how it is shown; target_facts, of what a decoder reads
    """

    tokens: tuple[str, ...]
    layers: tuple[Layer, ...]
    source: Origin = field(default_factory=Origin)
    predictions: tuple[Predictions, ...] = ()
    generation: Generation | None = None
    roles: tuple[HeadRole, ...] = ()
    facts: TokenFacts = NO_FACTS
    target_facts: TokenFacts = NO_FACTS

    def __post_init__(self) -> None:
        object.__setattr__(self, "tokens", valid_tokens(self.tokens))
        object.__setattr__(self, "layers", tuple(self.layers))
        object.__setattr__(self, "source", read_origin(self.source))
        object.__setattr__(self, "roles", tuple(self.roles))
        vars(self).update(facts=read_token_facts(self.facts), target_facts=read_token_facts(self.target_facts))
        if not self.layers:
            raise AttnvizError("a trace needs at least one layer")
        for layer in self.layers:
            for side, tokens, rows in (
                ("query", self.query_tokens(layer), layer.queries),
                ("key", self.key_tokens(layer), layer.keys),
            ):
                if len(tokens) != rows:
                    raise AttnvizError(
                        "{tokens} tokens but {side} has {rows}: give one token for each row",
                        tokens=len(tokens),
                        side=side,
                        rows=rows,
                    )
            require_known_parts_fit(layer)
        if self.predictions:
            self._take_predictions()
        if self.generation is not None:
            self._require_room(len(self.generation.chosen))

    def _take_predictions(self) -> None:
        from attnviz.trace.generation import valid_predictions  # most traces have none

        object.__setattr__(self, "predictions", valid_predictions(self.predictions))
        if len(self.predictions) not in {len(self.query_tokens(layer)) for layer in self.layers}:
            raise AttnvizError(
                "predictions for {predictions} positions: no layer has as many queries",
                predictions=len(self.predictions),
            )

    def _require_room(self, chosen: int) -> None:
        """Refuse more tokens that were chosen than positions that could choose one."""
        ran = [len(self.query_tokens(layer)) for layer in self.layers if layer.stack in WRITING]
        if ran and chosen > max(ran):
            raise AttnvizError(
                "{chosen} tokens were chosen, but only {max} positions ran: each chooses one",
                chosen=chosen,
                max=max(ran),
            )

    def to(self, backend: str, device: str | None = None, dtype: str | None = None) -> Trace:
        """The same trace held by ``backend`` ("numpy" or "torch"), on ``device``, its numbers as ``dtype``."""

        def move(array: Array | None) -> Array | None:
            return None if array is None else to_backend(array, backend, device, dtype)

        return replace(self, layers=tuple(with_arrays(layer, move) for layer in self.layers))

    def without_output_projections(self) -> Trace:
        """The same trace without W_O, which of a large model takes more room than Query, Key and Value of a short text."""
        return replace(self, layers=tuple(replace(layer, projections=_without_output(layer)) for layer in self.layers))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write this trace to a .safetensors file, whole or not at all."""
        import json

        from attnviz.trace.safetensors import write_safetensors

        arrays: dict[str, Array] = {}
        layers = [pack_layer(layer, f"layers.{number}.", arrays) for number, layer in enumerate(self.layers)]
        record: dict[str, Any] = {"tokens": self.tokens, "source": self.source, "layers": layers}
        if self.predictions:
            record["predictions"] = self.predictions
        if self.generation is not None:
            record["generation"] = vars(self.generation)
        facts = {"facts": self.facts.record, "target_facts": self.target_facts.record}
        record |= {name: known for name, known in facts.items() if known}
        if self.roles:
            from attnviz.trace.roles import head_role_record

            record["roles"] = [head_role_record(one) for one in self.roles]
        write_safetensors(path, arrays, {"attnviz": str(FORMAT), "trace": json.dumps(record)})

    def __repr__(self) -> str:
        sizes = {"tokens": len(self.tokens), "layers": len(self.layers), "heads": self.layers[0].heads}
        said = Message("{tokens} tokens, {layers} layers, {heads} heads", **sizes)
        return f"Trace({said}, {self.source.kind})"


def _without_output(layer: Layer) -> dict[str, Projection]:
    return {name: one for name, one in layer.projections.items() if name != "output"}


def load(path: str | os.PathLike[str]) -> Trace:
    """Read a trace that ``Trace.save`` wrote; AttnvizError when the file is damaged or holds something else."""
    from attnviz.trace.safetensors import read_safetensors

    return unpacked(*read_safetensors(path), path)


def unpacked(arrays: Mapping[str, Array], metadata: Mapping[str, str], path: str | os.PathLike[str]) -> Trace:
    """The trace in the arrays and metadata of the .safetensors file at ``path``."""
    from attnviz.trace.json_text import parsed_json
    from attnviz.trace.schema import require_record

    if "attnviz" not in metadata:
        raise AttnvizError("{path} holds arrays, not a saved trace", "attnviz explain --from shows both", path=path)
    if metadata["attnviz"] != str(FORMAT):
        raise AttnvizError(
            "{path} is a trace of format {found}, this attnviz reads format {format}",
            "update attnviz",
            path=path,
            found=shorten(shown(metadata["attnviz"]), 20),
            format=FORMAT,
        )
    if "trace" not in metadata:
        raise AttnvizError("{path} is a damaged trace: it lacks its record", "save it again", path=path)
    try:
        record = parsed_json(metadata["trace"].encode(), Message("its record"))
        require_record(record)
        layers = tuple(unpacked_layers(record["layers"], arrays))
        return Trace(
            record["tokens"],
            layers,
            record["source"],
            record.get("predictions", ()),
            _generation(record),
            _roles(record),
            *(read_token_facts(record.get(name, NO_FACTS)) for name in ("facts", "target_facts")),
        )
    except AttnvizError as error:
        raise AttnvizError(
            "{path} is a damaged trace: {reason}", error.hint or "save it again", path=path, reason=error.message
        ) from None


def _generation(record: Mapping[str, Any]) -> Generation | None:
    """What a model wrote, where the record tells of it."""
    if "generation" not in record:
        return None
    from attnviz.trace.generation import read_generation

    return read_generation(record["generation"])


def _roles(record: Mapping[str, Any]) -> tuple[HeadRole, ...]:
    """The roles that the record tells of."""
    if "roles" not in record:
        return ()
    from attnviz.trace.roles import read_head_role

    return tuple(map(read_head_role, record["roles"]))


def numbered(count: int, prefix: str = "") -> tuple[str, ...]:
    """Names for tokens that came without: their positions."""
    return tuple(f"{prefix}{position}" for position in range(count))
