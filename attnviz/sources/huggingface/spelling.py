"""What a tokenizer knows of each token beside its label: its word, its characters in the text, and how it is spelled."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from attnviz.sources.huggingface.tokens import Tokens
from attnviz.text.words import SEGMENTS, Span, found_in, spaces_led, spelled_words, words_at
from attnviz.trace.token_facts import NO_FACTS, TokenFacts

BETWEEN = "\n"  # stands between two texts where they are looked at as one: no word goes on behind it


def with_facts(cut: Tokens, tokenizer: Any, given: Sequence[str], encoded: Any) -> Tokens:
    """``cut`` with what a fast tokenizer has ``encoded`` of the texts that it was ``given``: one, or a pair."""
    of_text = [one or 0 for one in encoded.sequence_ids(0)]
    spans: list[Span | None] = [
        None if place in cut.special or start == end else (start, end)
        for place, (start, end) in enumerate(encoded["offset_mapping"])
    ]
    texts = spelled(cut.ids, tokenizer)
    places = _in_one(spans, of_text, given)
    numbers = encoded.word_ids(0)
    for place in reversed(
        range(len(places) - 1)
    ):  # a space by itself that belongs to the next word, as SentencePiece has it
        if numbers[place] is not None and numbers[place] == numbers[place + 1] and not texts[place].strip():
            places[place] = places[place + 1]
    words = words_at(BETWEEN.join(given), places, cut.special)
    cut = cut._replace(facts=TokenFacts(words, tuple(spans), texts))
    if len(given) == 1:
        return cut
    return _in_segments(cut._replace(types=tuple(encoded.get("token_type_ids", ()))), of_text)


def with_found(cut: Tokens, tokenizer: Any, given: Sequence[str], of_text: Sequence[int]) -> Tokens:
    """``cut`` of the texts that were ``given``, one or a pair, of which no offsets are known: its tokens are looked for there."""
    text, begins = BETWEEN.join(given), (0, len(given[0]) + len(BETWEEN))
    places, facts = found_in(text, cut.labels, cut.special), facts_of_ids(cut, tokenizer)
    if places is not None:
        spans = tuple(
            None if place is None else (place[0] - begins[number], place[1] - begins[number])
            for place, number in zip(places, of_text, strict=True)
        )
        facts = facts._replace(words=words_at(text, spaces_led(places, facts.texts), cut.special), spans=spans)
    cut = cut._replace(facts=facts)
    return cut if len(given) == 1 else _in_segments(cut, of_text)


def _in_one(spans: Sequence[Span | None], of_text: Sequence[int], given: Sequence[str]) -> list[Span | None]:
    """``spans`` in the texts as they stand one behind the other."""
    begins = (0, len(given[0]) + len(BETWEEN))
    return [
        None if span is None else (span[0] + begins[number], span[1] + begins[number])
        for span, number in zip(spans, of_text, strict=True)
    ]


def _in_segments(cut: Tokens, of_text: Sequence[int]) -> Tokens:
    """``cut`` of a pair, each token with the one ``of_text`` that it is of."""
    segments = tuple(None if place in cut.special else number for place, number in enumerate(of_text))
    labels = tuple(
        label if number is None else SEGMENTS[number] + label
        for label, number in zip(cut.labels, segments, strict=True)
    )
    return cut._replace(labels=labels, facts=cut.facts._replace(segments=segments))


def facts_of_ids(cut: Tokens, tokenizer: Any) -> TokenFacts:
    """What is known of tokens whose text is not: their words are those of what they decode to."""
    if tokenizer is None:
        return NO_FACTS
    texts = spelled(cut.ids, tokenizer)
    text = str(tokenizer.decode([cut.ids[place] for place in ordinary(cut)]))
    places = found_in(text, cut.labels, cut.special)
    if places is None:
        return TokenFacts(spelled_words(texts, cut.special), texts=texts)
    return TokenFacts(words_at(text, spaces_led(places, texts), cut.special), texts=texts)


def ordinary(cut: Tokens) -> list[int]:
    """The positions of tokens that are not special."""
    return [place for place in range(len(cut.ids)) if place not in cut.special]


def spelled(ids: Sequence[int], tokenizer: Any) -> tuple[str, ...]:
    """Each token as its vocabulary spells it, a space as a space, and bytes that are no whole character as <0xE4>."""
    pieces = tokenizer.convert_ids_to_tokens(list(ids))
    read = _of_bytes if _is_byte_level(tokenizer) else _of_characters
    return tuple(str(number) if piece is None else read(piece) for number, piece in zip(ids, pieces, strict=True))


def _is_byte_level(tokenizer: Any) -> bool:
    """Whether the vocabulary has a character for each byte (Radford et al. 2019): a fast tokenizer says so, and others where
    they know the one for a line's end."""
    if tokenizer.is_fast:
        return "ByteLevel" in repr(tokenizer.backend_tokenizer.decoder)
    return tokenizer.convert_tokens_to_ids("Ċ") not in (None, tokenizer.unk_token_id)


def _of_characters(piece: str) -> str:
    return piece.replace("▁", " ")


@lru_cache(maxsize=65536)  # a text has most of its tokens several times
def _of_bytes(piece: str) -> str:
    bytes_of = _bytes_of_characters()
    if any(character not in bytes_of for character in piece):  # a token that was added to the vocabulary
        return piece
    text = bytes(bytes_of[character] for character in piece).decode("utf-8", "surrogateescape")
    return "".join(f"<0x{ord(one) - 0xDC00:02X}>" if "\udc80" <= one <= "\udcff" else one for one in text)


@lru_cache(maxsize=1)
def _bytes_of_characters() -> dict[str, int]:
    """The byte that each character of GPT-2's vocabulary stands for: itself where it can be seen, others counted from 256."""
    seen = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    unseen = [byte for byte in range(256) if byte not in seen]
    return {chr(byte): byte for byte in seen} | {chr(256 + place): byte for place, byte in enumerate(unseen)}
