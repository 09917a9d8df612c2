"""Tokens of a real tokenizer as people read them, not as its vocabulary spells them.

`Ġjourney`, `▁journey` and `journey` are all `journey`, unless two of these stand in one text: then they are other tokens to
the model, and are told apart. What is split inside a character is shown whole, with the number of its part; tokens of
white space keep it, and special tokens are marked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.loading.errors import one_line, panics_told
from attnviz.sources.huggingface.spelling import facts_of_ids, ordinary, with_facts, with_found
from attnviz.sources.huggingface.tokens import Tokens
from attnviz.text.words import CONTINUES, Span

SPACES = "Ġ▁"  # how byte-level BPE and SentencePiece spell a space
UNREADABLE = "\ufffd"  # what decoding makes of bytes that are no whole character
LONGEST_CHARACTER = 4  # bytes of UTF-8


@contextmanager
def tokenizer_errors() -> Iterator[None]:
    """Turn what a tokenizer raises while it works into one line; damaged settings show only then."""
    try:
        with panics_told():
            yield
    except AttnvizError:
        raise
    except Exception as error:  # of two libraries, and of a person's own tokenizer
        raise AttnvizError(
            "the tokenizer fails on this text: {reason}",
            "its files may be damaged: copy them again",
            reason=one_line(error),
        ) from error


@tokenizer_errors()
def tokens_of_text(tokenizer: Any, text: str, special: bool = True, pair: str | None = None) -> Tokens:
    """``text`` cut by ``tokenizer`` and labelled through its offsets; ``special`` adds the special tokens around it.

    Behind it comes a ``pair``, a second text, where there is one: then labels say of which of the two a token is.
    AttnvizError for a text with half of a surrogate pair, which no tokenizer takes: bytes that are no UTF-8 become such.
    """
    given = (text,) if pair is None else (text, pair)
    for one in given:
        _require_characters(one)
    if not tokenizer.is_fast:
        return _slowly_cut(tokenizer, given, special)
    encoded = tokenizer(
        *given,
        add_special_tokens=special,
        return_offsets_mapping=True,
        return_token_type_ids=pair is not None,
        truncation=False,
        padding=False,
        verbose=False,
    )
    ids = tuple(encoded["input_ids"])
    pieces, places = tokenizer.convert_ids_to_tokens(ids), special_places(ids, tokenizer)
    spans: list[Span | None] = [
        None if position in places or not pieces[position].strip(SPACES) else (start, end)
        for position, (start, end) in enumerate(encoded["offset_mapping"])
    ]
    of_text = [0 if one is None else one for one in encoded.sequence_ids(0)]
    parts = _parts(spans, of_text)
    labels = [
        _marked(pieces[position])
        if position in places
        else _trimmed(
            _characters(given[of_text[position]], span, position, parts[of_text[position]])
            or _alone(tokenizer, ids[position], pieces[position])
        )
        for position, span in enumerate(spans)
    ]
    unknown = tokenizer.unk_token_id  # to ask for it takes longer than all else that is done for a token
    for position, number in enumerate(ids):
        if number == unknown and position not in places and labels[position] != pieces[position]:
            labels[position] += _marked(pieces[position])  # what stands there, and that the model cannot read it
    cut = Tokens(ids, _told_apart(labels, pieces, places), places)
    return with_facts(cut, tokenizer, given, encoded)


def _slowly_cut(tokenizer: Any, given: Sequence[str], special: bool) -> Tokens:
    """The texts that were ``given``, one or a pair, cut by a tokenizer that knows no offsets."""
    encoded = tokenizer(*given, add_special_tokens=special, return_token_type_ids=len(given) > 1)
    cut = tokens_of_ids(encoded["input_ids"], tokenizer)
    of_text = [0] * len(cut.ids)
    if len(given) > 1:
        cut = cut._replace(types=tuple(encoded.get("token_type_ids", ())))
        before = len(tokenizer(given[0], add_special_tokens=False)["input_ids"])
        for place in ordinary(cut)[before:]:
            of_text[place] = 1
    return with_found(cut, tokenizer, given, of_text)


def _require_characters(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise AttnvizError(
            "the text holds {text!r} at position {start}, which is no character",
            "give the text as UTF-8",
            text=text[error.start],
            start=error.start,
        ) from None


@tokenizer_errors()
def tokens_of_ids(ids: Sequence[int], tokenizer: Any = None) -> Tokens:
    """``ids`` without their text: each decoded by itself, or together with its neighbours where only these make sense.

    Without a tokenizer the ids themselves are the labels.
    """
    ids = tuple(ids)
    if tokenizer is None:
        return Tokens(ids, tuple(map(str, ids)), ())
    places, pieces = special_places(ids, tokenizer), tokenizer.convert_ids_to_tokens(ids)
    labels: list[str] = []
    while len(labels) < len(ids):
        position = len(labels)
        if position in places:
            labels.append(_marked(pieces[position]))
        elif pieces[position] is None:  # a model may have more vectors than its tokenizer has words
            labels.append(str(ids[position]))
        else:
            labels += _decoded(tokenizer, ids, pieces, position)
    return Tokens(ids, _told_apart(labels, pieces, places), places)


@tokenizer_errors()
def of_ids(ids: Sequence[int], tokenizer: Any = None) -> Tokens:
    """``tokens_of_ids`` with what is known of each beside its label."""
    cut = tokens_of_ids(ids, tokenizer)
    return cut._replace(facts=facts_of_ids(cut, tokenizer))


@tokenizer_errors()
def continued(tokens: Tokens, ids: Sequence[int], tokenizer: Any = None) -> Tokens:
    """``tokens`` and behind them ``ids``, which a model wrote: labelled by themselves, and told apart from all others."""
    more = tokens_of_ids(ids, tokenizer)
    whole = (*tokens.ids, *more.ids)
    special = (*tokens.special, *(len(tokens.ids) + place for place in more.special))
    labels = (*tokens.labels, *more.labels)
    if tokenizer is None:
        return Tokens(whole, labels, special)
    cut = Tokens(whole, _told_apart(labels, tokenizer.convert_ids_to_tokens(whole), special), special)
    return cut._replace(facts=tokens.facts.continued(facts_of_ids(cut, tokenizer)) if ids else tokens.facts)


@tokenizer_errors()
def alone(number: int, tokenizer: Any, others: Collection[str]) -> str:
    """The label of one id that stands in no text, with the mark of its piece where one of ``others`` reads the same."""
    label = tokens_of_ids([number], tokenizer).labels[0]
    return _mark(label, tokenizer.convert_ids_to_tokens(number)) + label if tokenizer and label in others else label


def special_places(ids: Sequence[int], tokenizer: Any) -> tuple[int, ...]:
    """The positions of special tokens; the unknown token stands for a piece of the text, so it is none.

    GPT-2 has one token for the unknown and for the end: its vocabulary knows every byte, so it is the end.
    """
    roles = ("bos", "eos", "cls", "sep", "pad", "mask")
    known = {getattr(tokenizer, f"{role}_token_id") for role in roles}
    special = set(tokenizer.all_special_ids) - ({tokenizer.unk_token_id} - known)
    return tuple(position for position, number in enumerate(ids) if number in special)


def _marked(piece: str) -> str:
    """A special token, in brackets if it brings none of its own."""
    return piece if piece[:1] in "<[|" else f"⟨{piece}⟩"


def _parts(spans: Sequence[Span | None], of_text: Sequence[int]) -> dict[int, dict[int, list[int]]]:
    """For each text, and each character of it, the positions of the tokens that hold a part of that."""
    parts: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for position, span in enumerate(spans):
        for character in range(*(span or (0, 0))):
            parts[of_text[position]][character].append(position)
    return parts


def _characters(text: str, span: Span | None, position: int, parts: dict[int, list[int]]) -> str:
    """The characters of a token; one that is split over several tokens with the number of this part."""
    label = ""
    for character in range(*(span or (0, 0))):
        holders = parts[character]
        number = f"({holders.index(position) + 1}/{len(holders)})" if len(holders) > 1 else ""
        label += text[character] + number
    return label


def _alone(tokenizer: Any, number: int, piece: str) -> str:
    """A token that has no characters of its own: a space that the tokenizer put in, or left out of its offsets."""
    if not piece.strip(SPACES):
        return " " * len(piece)
    return str(tokenizer.decode([number])) or piece


def _decoded(tokenizer: Any, ids: Sequence[int], pieces: Sequence[str], position: int) -> list[str]:
    """The label at ``position``, or those of the few tokens that make one character together."""
    for count in range(1, LONGEST_CHARACTER + 1):
        text = str(tokenizer.decode(ids[position : position + count]))
        if UNREADABLE not in text and position + count <= len(ids):
            if count == 1:
                return [_trimmed(text or _alone(tokenizer, ids[position], pieces[position]))]
            return [f"{text.strip()}({part}/{count})" for part in range(1, count + 1)]
    return [pieces[position]]


def _trimmed(label: str) -> str:
    """Without the one space that separates words; more white space than that is part of the token."""
    return label[1:] if label[:1] == " " and label[1:2].strip() else label


def _told_apart(labels: Sequence[str], pieces: Sequence[str], places: Sequence[int]) -> tuple[str, ...]:
    """``labels`` with the mark of their piece where another of them reads the same without one: " John" beside "John"."""
    marks = ["" if place in places else _mark(*both) for place, both in enumerate(zip(labels, pieces, strict=True))]
    bare = {label for label, mark in zip(labels, marks, strict=True) if not mark}
    return tuple(mark + label if label in bare else label for label, mark in zip(labels, marks, strict=True))


def _mark(label: str, piece: str | None) -> str:
    """What the vocabulary spells in front of a token and its label leaves out, as a person types it; nothing for an id that
    it does not have."""
    if not piece:
        return ""
    if piece.startswith(CONTINUES) and not label.startswith(CONTINUES):
        return CONTINUES
    return " " if piece[:1] in SPACES and label[:1].strip() else ""
