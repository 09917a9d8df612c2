"""Tokens that are joined to words: which ones, what the words are called, and what is known of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy

from attnviz.text.words import PART, SEGMENTS, Span, characters_of
from attnviz.trace.token_facts import NO_FACTS, TokenFacts

SPACES = "Ġ▁ "  # with which a token may begin that is spelled, and a word does not


class Groups(NamedTuple):
    """Tokens that are joined, one group behind the other.

    starts  the first token of each
    tokens  how many there are together
    """

    starts: numpy.ndarray
    tokens: int

    @property
    def sizes(self) -> numpy.ndarray:
        """How many tokens each group has."""
        return numpy.diff(self.starts, append=self.tokens)

    @property
    def ranges(self) -> list[range]:
        """The tokens of each group."""
        return [range(start, start + size) for start, size in zip(self.starts, self.sizes, strict=True)]


def groups_of(words: Sequence[int | None], count: int) -> Groups:
    """The tokens of each word, and every token without one by itself; of ``count`` tokens whose words are not known, each."""
    known = words if len(words) == count else range(count)
    starts = [place for place in range(count) if not place or known[place] is None or known[place] != known[place - 1]]
    return Groups(numpy.array(starts), count)


def names(tokens: Sequence[str], facts: TokenFacts, groups: Groups, texts: Sequence[str]) -> tuple[str, ...]:
    """A label for each group: its characters in the text, or what its tokens say together; of one token, its own label."""
    return tuple(
        tokens[own.start] if len(own) == 1 else _name([tokens[place] for place in own], own, facts, texts)
        for own in groups.ranges
    )


def _name(tokens: Sequence[str], own: range, facts: TokenFacts, texts: Sequence[str]) -> str:
    segment = facts.segments[own.start] if facts.segments else None
    mark = "" if segment is None else SEGMENTS[segment]
    span = _joined_span([facts.spans[place] for place in own]) if facts.spans else None
    text = texts[segment or 0] if texts else ""
    if span is not None and span[1] <= len(text) and text[slice(*span)].strip():
        return mark + text[slice(*span)].strip()
    spelled = [facts.texts[place] for place in own] if facts.texts else [_bare(token, mark) for token in tokens]
    return mark + (characters_of(spelled).strip(SPACES) or tokens[0])


def _bare(token: str, mark: str) -> str:
    """A label without its marks."""
    return PART.sub("", token.removeprefix(mark))


def joined_facts(facts: TokenFacts, special: Collection[int]) -> TokenFacts:
    """The facts of words, of those of their tokens; a token that is not ``special`` is a word, if only by itself."""
    if not facts.words:
        return NO_FACTS
    groups, numbers = groups_of(facts.words, len(facts.words)), iter(range(len(facts.words)))
    every = groups.ranges
    return TokenFacts(
        tuple(None if own.start in special else next(numbers) for own in every),
        tuple(_joined_span(facts.spans[own.start : own.stop]) for own in every) if facts.spans else (),
        tuple(characters_of(facts.texts[own.start : own.stop]) for own in every) if facts.texts else (),
        tuple(facts.segments[own.start] for own in every) if facts.segments else (),
    )


def _joined_span(spans: Sequence[Span | None]) -> Span | None:
    """From where the first of ``spans`` begins to where the last ends; None where one is not known but of no characters."""
    known = [span for span in spans if span is not None]
    return (min(start for start, _ in known), max(end for _, end in known)) if known else None
