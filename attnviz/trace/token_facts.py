"""What is known of each token beside how it is shown: its word, its characters in the text, its spelling, its segment."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from attnviz.errors import AttnvizError
from attnviz.text.characters import valid_text
from attnviz.text.message import Message
from attnviz.text.words import Span, found_in, spelled_words, words_at

LARGEST = 2**53  # of a number that every reader of JSON takes
MARKED = re.compile(r"\[[A-Z]+\]|<(?!0x)[^<>\s]+>|⟨.+⟩")  # a special token, where no ids tell of it


class TokenFacts(NamedTuple):
    """Facts of the tokens of a text, one for each; () where they are not known.

    words     the number of its word, in the order of the text; None for a special token, which is of no word
    spans     from which character of the text up to which it stands; None where it stands for none of them
    texts     the token as its vocabulary spells it, a space as a space and bytes of a character as <0xE4>: "##ing", " cat"
    segments  of a pair of texts, which one it is of, 0 or 1; its span is in that one. None for a special token
    """

    words: tuple[int | None, ...] = ()
    spans: tuple[Span | None, ...] = ()
    texts: tuple[str, ...] = ()
    segments: tuple[int | None, ...] = ()

    def of(self, count: int) -> TokenFacts:
        """These, as far as there is one for each of ``count`` tokens."""
        return self._replace(**{name: () for name, facts in self._asdict().items() if len(facts) != count})

    def behind(self, text: str) -> TokenFacts:
        """The same where one special token, ``text``, comes first and the last token is left out: what a decoder reads."""
        first = {"texts": text}
        return self._replace(**{name: (first.get(name), *facts[:-1]) for name, facts in self.record.items()})

    def continued(self, whole: TokenFacts) -> TokenFacts:
        """These, of a text, and behind them those of what a model wrote: what is known of both together is ``whole``."""
        words = list(self.words)
        for place in range(len(words), len(whole.words)):
            goes_on = place and whole.words[place] == whole.words[place - 1]
            last = max((word for word in words if word is not None), default=-1)
            words.append(None if whole.words[place] is None else last + (not goes_on))
        spans = (*self.spans, *[None] * (len(words) - len(self.spans))) if self.spans else ()
        return TokenFacts(tuple(words), spans, whole.texts)

    def within(self, whole: str, text: str) -> TokenFacts:
        """The same of tokens of a ``whole`` that was made of ``text``, with the characters that they are in ``text``: None for
        those around it."""
        if whole == text:
            return self
        begin = whole.find(text)
        if begin < 0:
            return self._replace(spans=())
        shifted = [None if span is None else (span[0] - begin, span[1] - begin) for span in self.spans]
        inside = (None if span is None or span[0] < 0 or span[1] > len(text) else span for span in shifted)
        return self._replace(spans=tuple(inside))

    @property
    def record(self) -> dict[str, Any]:
        """What is known, by name."""
        return {name: facts for name, facts in self._asdict().items() if facts}


NO_FACTS = TokenFacts()


def read_token_facts(said: Any) -> TokenFacts:
    """The facts in a ``TokenFacts`` or the record of one; AttnvizError where one of them can be none."""
    given: Mapping[str, Any] = said._asdict() if isinstance(said, TokenFacts) else said
    return TokenFacts(
        _each(given.get("words", ()), _is_number, "words"),
        tuple(None if span is None else tuple(span) for span in _each(given.get("spans", ()), _is_span, "spans")),
        tuple(map(valid_text, _each(given.get("texts", ()), lambda one: isinstance(one, str), "texts"))),
        _each(given.get("segments", ()), lambda one: one is None or (_is_number(one) and one < 2), "segments"),
    )


def known_facts(tokens: Sequence[str], stored: TokenFacts, text: str, special: Collection[int]) -> TokenFacts:
    """What is ``stored`` of ``tokens``, or else follows from how they are written, and from the ``text`` if they stand there."""
    known = stored.of(len(tokens))
    return known if known.words else _following(tokens, text, special)._replace(**known.record)


def _following(tokens: Sequence[str], text: str, special: Collection[int]) -> TokenFacts:
    """What follows from ``tokens`` and the ``text`` that they were cut from, if that is known."""
    special = {*special, *(place for place, token in enumerate(tokens) if MARKED.fullmatch(token))}
    spans = found_in(text, tokens, special) if text else None
    if spans is None:
        return TokenFacts(spelled_words(tokens, special))
    return TokenFacts(words_at(text, spans, special), tuple(spans))


def _each(given: Any, fits: Callable[[Any], bool], name: str) -> tuple[Any, ...]:
    if not isinstance(given, Iterable) or isinstance(given, str):
        raise AttnvizError("{name} of tokens are {given!r:.40}: expected one for each token", name=name, given=given)
    values = tuple(given)
    for place, value in enumerate(values):
        if not fits(value):
            raise AttnvizError(
                "{name} of tokens: that of token {place} is {value!r:.40}: expected {expected}",
                name=name,
                place=place,
                value=value,
                expected=EXPECTED[name],
            )
    return values


EXPECTED = {
    "words": Message("a number of a word, or None"),
    "spans": Message("where its characters begin and end, or None"),
    "texts": Message("a text"),
    "segments": Message("0, 1 or None"),
}


def _is_number(value: Any) -> bool:
    return value is None or (type(value) is int and 0 <= value < LARGEST)


def _is_span(value: Any) -> bool:
    if value is None:
        return True
    ends = tuple(value) if isinstance(value, list | tuple) else ()
    return len(ends) == 2 and None not in ends and all(map(_is_number, ends)) and ends[0] <= ends[1]
