"""The words of a text, and which of them each token is a part of."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence

from attnviz.text.characters import unicode_pattern
from attnviz.text.tokenizer import ASCII_WORD, UNICODE_WORD

# Scripts that put no space between words: each of their characters, with its marks, stands alone, as in UAX #29.
SPACELESS = r"[\p{Han}\p{Hiragana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]"
WORD = rf"{SPACELESS}\p{{M}}*|(?:(?!{SPACELESS})[\p{{L}}\p{{M}}\p{{N}}_])+(?:['’\u200c\u200d](?:(?!{SPACELESS})[\p{{L}}\p{{M}}\p{{N}}_])+)*"
PART = re.compile(r"\((\d)/\d\)")  # as a label names a part of a character
BYTE = re.compile(r"<0x([0-9A-F]{2})>")  # as a byte is written that is no character alone
SEGMENTS = ("A:", "B:")  # how the labels of tokens name the two texts of a pair
CONTINUES = "##"  # how WordPiece spells what does not begin a word

Span = tuple[int, int]  # characters from … up to …


def word_spans(text: str) -> list[Span]:
    """Where the words of ``text`` stand: those of the ``word`` tokenizer, punctuation apart; of a script that puts no space
    between words, each character."""
    pattern = ASCII_WORD if text.isascii() else unicode_pattern(f"{WORD}|{UNICODE_WORD}")
    return [found.span() for found in pattern.finditer(text)]


def words_at(
    text: str, places: Sequence[Span | None], special: Collection[int] = frozenset()
) -> tuple[int | None, ...]:
    """The number of the word of each token, from 0; None for a ``special`` one.

    ``places`` says which characters of ``text`` a token is. One that covers parts of several words makes them one, and one that
    covers none (white space) is one by itself: no token is of two words.
    """
    spans = word_spans(text)
    starts, ends = [start for start, _ in spans], [end for _, end in spans]
    words: list[int | None] = []
    count, reached = 0, -1  # words so far, and the last of ``spans`` that the present one covers, if it covers any
    for position, place in enumerate(places):
        if position in special:
            words.append(None)
            reached = -1
            continue
        first, stop = (0, 0) if place is None else (bisect_right(ends, place[0]), bisect_left(starts, place[1]))
        if not first < stop:
            count, reached = count + 1, -1
        elif first <= reached:
            reached = max(reached, stop - 1)
        else:
            count, reached = count + 1, stop - 1
        words.append(count - 1)
    return tuple(words)


def spaces_led(places: Sequence[Span | None], tokens: Sequence[str]) -> list[Span | None]:
    """``places`` with that of the next token for each of ``tokens`` that is a space by itself, in front of one that brings none:
    some vocabularies cut a word so."""
    led = list(places)
    for place in reversed(range(len(led) - 1)):
        if tokens[place] == " " and led[place + 1] is not None and not tokens[place + 1][:1].isspace():
            led[place] = led[place + 1]
    return led


def found_in(text: str, tokens: Sequence[str], special: Collection[int] = frozenset()) -> list[Span | None] | None:
    """Where ``tokens`` stand in ``text``, one after the other; None for what is special, or white space that is not there.

    None as a whole where one of them does not stand there: they were not cut from this text.
    """
    spans: list[Span | None] = []
    end = begun = 0  # behind the last token, and how many bytes of the character there have come
    for position, token in enumerate(tokens):
        span = None
        if position not in special and not token.strip():
            span = (end, end + len(token)) if token and text.startswith(token, end) else None
            end = end if span is None else span[1]
        elif position not in special:
            byte = BYTE.fullmatch(token)
            span = _next(text, token, end) if byte is None else _byte(text, int(byte[1], 16), end, begun)
            if span is None:
                return None
            whole = 0 if byte is None else len(text[span[0]].encode())
            begun = begun + 1 if begun + 1 < whole else 0
            end = span[0] if begun else span[1]
        spans.append(span)
    return spans


def _byte(text: str, byte: int, end: int, begun: int) -> Span | None:
    """The next character behind ``end``, if ``byte`` is the next one of it after those that have ``begun`` it."""
    for start in (end, _behind_space(text, end)):
        content = text[start : start + 1].encode()
        if begun < len(content) and content[begun] == byte:
            return start, start + 1
    return None


def _next(text: str, token: str, end: int) -> Span | None:
    """Where ``token`` stands behind ``end``, or the characters of which it is a part."""
    start = _behind_space(text, end)
    for begin, written in ((start, token.strip()), (start, token.strip().removeprefix(CONTINUES)), (end, token)):
        if _stands(text, begin, written):
            return begin, begin + len(written)
    part = PART.search(token)
    if part is None:
        return None
    bare = PART.sub("", token.strip().removeprefix(CONTINUES))
    begin = end - 1 if int(part[1]) > 1 else start  # a later part is of the character that was the last
    return (begin, begin + len(bare)) if begin >= 0 and _stands(text, begin, bare) else None


def _stands(text: str, start: int, written: str) -> bool:
    return text[start : start + len(written)].casefold() == written.casefold()


def _behind_space(text: str, start: int) -> int:
    while start < len(text) and text[start].isspace():
        start += 1
    return start


def spelled_words(tokens: Sequence[str], special: Collection[int] = frozenset()) -> tuple[int | None, ...]:
    """The number of the word of each token, of tokens that tell it by how they are spelled: "##ing" goes on, and beside "Ġthe"
    or "▁the", which begin with a space, so does what begins with none. All others are a word each."""
    marks = tuple(mark for mark in ("Ġ", "▁", " ") if any(token.startswith(mark) for token in tokens))
    words: list[int | None] = []
    count = 0
    for position, token in enumerate(tokens):
        before = words[-1] if words else None
        goes_on = token.startswith(CONTINUES) if not marks else not token.startswith(marks)
        count += position not in special and not (goes_on and before is not None)
        words.append(None if position in special else count - 1)
    return tuple(words)


def characters_of(tokens: Sequence[str]) -> str:
    """What tokens of one word say together: "##" is no character, and bytes are what they are the bytes of."""
    first, *others = tokens
    joined = first + "".join(token.removeprefix(CONTINUES) for token in others)
    return b"".join(_bytes(joined)).decode("utf-8", "replace")


def _bytes(text: str) -> Iterator[bytes]:
    end = 0
    for found in BYTE.finditer(text):
        yield text[end : found.start()].encode()
        yield bytes([int(found[1], 16)])
        end = found.end()
    yield text[end:].encode()
