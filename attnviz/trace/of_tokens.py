"""What a trace tells of its tokens: whose they are, of which word, where they stand in the text, which of them are special."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attnviz.trace.layer import TOWERS, Layer
from attnviz.trace.origin import Origin, TokenIds
from attnviz.trace.token_facts import NO_FACTS, TokenFacts, known_facts

if TYPE_CHECKING:
    from attnviz.text.words import Span


class OfTokens:
    """The part of a ``Trace`` that tells of its tokens."""

    tokens: tuple[str, ...]
    layers: tuple[Layer, ...]
    source: Origin
    facts: TokenFacts
    target_facts: TokenFacts

    def query_tokens(self, layer: Layer) -> tuple[str, ...]:
        """The tokens of the queries of ``layer``, in order."""
        return self.tokens if layer.tokens is None else layer.tokens

    def key_tokens(self, layer: Layer) -> tuple[str, ...]:
        """The tokens of the keys of ``layer``, in order."""
        return self.query_tokens(layer) if layer.key_tokens is None else layer.key_tokens

    @property
    def words(self) -> tuple[int | None, ...]:
        """For each token the number of its word, None for a special token; () where they are not known."""
        return self._own_facts.words

    @property
    def spans(self) -> tuple[Span | None, ...]:
        """For each token from which character of the text up to which it stands, None where for none; () where unknown."""
        return self._own_facts.spans

    @property
    def texts(self) -> tuple[str, ...]:
        """Each token as its vocabulary spells it; () where that is not known."""
        return self._own_facts.texts

    @property
    def segments(self) -> tuple[int | None, ...]:
        """For each token of a pair which of the two texts it is of, 0 or 1; () where there is no pair."""
        return self._own_facts.segments

    @property
    def _own_facts(self) -> TokenFacts:
        return self.query_facts(next((layer for layer in self.layers if layer.tokens is None), self.layers[0]))

    def query_facts(self, layer: Layer) -> TokenFacts:
        """What is known of each token that is a query of ``layer``."""
        return self._known(
            layer, self.query_tokens(layer), self._stored_of_queries(layer), self.source.queries_of(layer)
        )

    def key_facts(self, layer: Layer) -> TokenFacts:
        """What is known of each token that is a key of ``layer``."""
        return self._known(layer, self.key_tokens(layer), self._stored_of_keys(layer), self.source.keys_of(layer))

    def special_queries(self, layer: Layer) -> frozenset[int]:
        """The positions of special tokens among the queries of ``layer``."""
        return _special(self.source.queries_of(layer), self._stored_of_queries(layer), layer.queries)

    def special_keys(self, layer: Layer) -> frozenset[int]:
        """The positions of special tokens among the keys of ``layer``."""
        return _special(self.source.keys_of(layer), self._stored_of_keys(layer), layer.keys)

    def _stored_of_queries(self, layer: Layer) -> TokenFacts:
        if layer.stack in TOWERS:
            return NO_FACTS
        return self.target_facts if self.source.has_target(layer) else self.facts

    def _stored_of_keys(self, layer: Layer) -> TokenFacts:
        return self.facts if layer.kind == "cross" else self._stored_of_queries(layer)

    def _known(self, layer: Layer, tokens: tuple[str, ...], stored: TokenFacts, ids: TokenIds) -> TokenFacts:
        if layer.stack in TOWERS:
            return NO_FACTS
        return known_facts(tokens, stored, self.source.original, ids.of(len(tokens)).special)


def _special(known: TokenIds, stored: TokenFacts, count: int) -> frozenset[int]:
    """Which of ``count`` tokens are special: as their ids tell; of words, which have none, those that are kept as of no word."""
    if known.of(count).ids:
        return known.special
    return frozenset(place for place, word in enumerate(stored.of(count).words) if word is None)
