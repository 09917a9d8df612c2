"""What is told of a diagnosis, decided as data: the verdict, each mistake with its evidence, and what to do next."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from attnviz.analysis.diagnosis.result import Departure, Diagnosis, Mistake, Ranges, Some, Suggestion, Verdict
from attnviz.renderers.diagnosis.seen import seen
from attnviz.renderers.shared.numbers import brief_percent
from attnviz.text.lessons import Lessons

BETWEEN = " · "
LARGEST_ROOT, NEAR_ROOT = 1 << 20, 1e-5  # of what numbers a scale is told as the root, and how near it must be
LISTED = 8  # numbers, or runs of them, that stand in a sentence


class Row(NamedTuple):
    """A fact: what it is, what is said of it, and the line of code or the public issues that it names, if it does."""

    label: str
    text: str
    code: str = ""
    issues: tuple[str, ...] = ()


class Block(NamedTuple):
    """A mistake: its fixed word, its title, and the facts; or, without a word and a title, facts of the output."""

    name: str
    title: str
    rows: tuple[Row, ...]


class Told(NamedTuple):
    """All that is told of a diagnosis.

    headline     the verdict in a line
    explanations each a block for each of the mistakes that hold together
    sentences    what else is to be known, a line each
    """

    verdict: Verdict
    headline: str
    explanations: tuple[tuple[Block, ...], ...]
    sentences: tuple[str, ...]


def told(found: Diagnosis, words: Lessons) -> Told:
    """What is told of ``found``."""
    if found.verdict is Verdict.UNKNOWN:
        explanations: tuple[tuple[Block, ...], ...] = ((Block("", "", tuple(_departure(found, words))),),)
    else:
        explanations = tuple(
            tuple(_block(one, found, words) for one in explanation) for explanation in found.explanations
        )
    return Told(found.verdict, _headline(found, words), explanations, tuple(_sentences(found, words)))


def brief(error: float) -> str:
    """An error in two digits, as a person writes it: 0.41, 2e-7, ∞."""
    if not math.isfinite(error):
        return "∞"
    digits, mark, exponent = f"{error:.2g}".partition("e")
    return f"{digits}e{int(exponent)}" if mark else digits


def titled(mistake: Mistake, words: Lessons) -> str:
    """The mistake in a sentence, with the number that was used."""
    title = words.say(f"mistake.{mistake.name}")
    if mistake.value is None:
        return title
    root = as_root(mistake.value) if mistake.name == "scale-value" else ""
    return words.say("diagnose.valued", title=title, value=f"{mistake.value:.6g}{root}")


def as_root(value: float) -> str:
    """What a scale is the root of, from which one sees where it came from: " = 1/√32", " = √8"; "" where it is none."""
    if not 0 < value < math.inf:
        return ""
    square = max(value, 1 / value) ** 2
    whole = round(square)
    if whole < 2 or whole > LARGEST_ROOT or abs(square - whole) > NEAR_ROOT * square:
        return ""
    root = math.isqrt(whole)
    name = str(root) if root * root == whole else f"√{whole}"
    return f" = 1/{name}" if value < 1 else "" if root * root == whole else f" = {name}"


def fix(mistake: Mistake, words: Lessons) -> tuple[str, str]:
    """What to change: a sentence, and a line of code."""
    sentence, _, code = words.say(f"fix.{mistake.name}").partition(": ")
    return sentence, code


def _headline(found: Diagnosis, words: Lessons) -> str:
    match found.verdict:
        case Verdict.CORRECT if found.error == 0:
            return words.say("diagnose.correct_exact")
        case Verdict.CORRECT:
            return words.say("diagnose.correct", error=brief(found.error), dtype=found.dtype)
        case Verdict.SEVERAL:
            return words.say("diagnose.several", count=len(found.explanations))
        case Verdict.UNKNOWN:
            return words.say("diagnose.unknown")
    count = len(found.mistakes)
    return words.say("diagnose.one") if count == 1 else words.say("diagnose.pair", count=count)


def _block(mistake: Mistake, found: Diagnosis, words: Lessons) -> Block:
    return Block(mistake.name, titled(mistake, words), tuple(_rows(mistake, found, words)))


def _rows(mistake: Mistake, found: Diagnosis, words: Lessons) -> Iterator[Row]:
    places = _places(mistake.items, mistake.heads, mistake.queries, mistake.keys, words)
    yield Row(words.say("diagnose.row_where"), places)
    error = words.say(
        "diagnose.error",
        before=brief(mistake.before),
        after=brief(mistake.after),
        dtype=found.dtype,
        tolerance=brief(found.tolerance),
    )
    yield Row(words.say("diagnose.row_error"), error)
    yield Row(words.say("diagnose.row_change"), *fix(mistake, words))
    if issues := seen(mistake.name):
        yield Row(words.say("diagnose.row_seen"), BETWEEN.join(issues), issues=issues)


def _departure(found: Diagnosis, words: Lessons) -> Iterator[Row]:
    """The facts of an output that nothing explains."""
    error = words.say(
        "diagnose.error_left", before=brief(found.error), dtype=found.dtype, tolerance=brief(found.tolerance)
    )
    yield Row(words.say("diagnose.row_error"), error)
    departs = found.departs
    if departs is None:
        return
    first = departs.first
    items: Some = (first.item,) if first.item or departs.items != "all" else "all"
    keys: Ranges = "all" if departs.keys is None else (departs.keys,)
    row = (range(first.query, first.query + 1),)
    yield Row(words.say("diagnose.row_first"), _places(items, (first.head,), row, keys, words))
    yield Row(words.say("diagnose.row_where"), _departs(departs, words))
    share = words.say("diagnose.share", share=brief_percent(departs.share))
    yield Row(words.say("diagnose.row_share"), share)
    if departs.follows:
        parts = ", ".join(_followed(name, words) for name in departs.follows)
        yield Row(words.say("diagnose.row_follows"), parts)


def _departs(departs: Departure, words: Lessons) -> str:
    places = _places(departs.items, departs.heads, departs.queries, "all", words)
    return places if departs.finite else f"{places}; {words.say('diagnose.infinite')}"


def _followed(name: str, words: Lessons) -> str:
    kind, _, size = name.partition("-")
    return words.say("diagnose.follows_tiles", size=size) if size else words.say(f"diagnose.follows_{kind}")


def _sentences(found: Diagnosis, words: Lessons) -> Iterator[str]:
    if found.verdict is Verdict.SEVERAL:
        yield _suggested(found.suggestion, words)
    if found.verdict is Verdict.UNKNOWN:
        yield words.say("diagnose.unnamed")
    if found.verdict is not Verdict.CORRECT:
        yield words.say("diagnose.errors")
    looked, rows = found.rows
    if looked < rows:
        yield words.say("diagnose.cut", looked=f"{looked:,}", all=f"{rows:,}")


def _suggested(suggestion: Suggestion | None, words: Lessons) -> str:
    if suggestion is None:
        return words.say("diagnose.no_suggestion")
    heads, key_heads, queries, keys, dimension, value_dimension = suggestion
    return words.say(
        "diagnose.suggestion",
        query_shape=(heads, queries, dimension),
        key_shape=(key_heads, keys, dimension),
        value_shape=(key_heads, keys, value_dimension),
    )


def _places(items: Some, heads: Some, queries: Ranges, keys: Ranges, words: Lessons) -> str:
    """Where it is: "heads 0, 2 to 4, Queries 16 to 31", or everywhere."""
    parts = []
    if items != "all":
        parts.append(words.say("diagnose.item" if len(items) == 1 else "diagnose.items", items=listed(items, words)))
    if heads != "all":
        parts.append(words.say("diagnose.head" if len(heads) == 1 else "diagnose.heads", heads=listed(heads, words)))
    if queries != "all":
        rows = list(_numbers(queries))
        parts.append(words.say("diagnose.row" if len(rows) == 1 else "diagnose.rows", rows=listed(rows, words)))
    if keys != "all":
        columns = list(_numbers(keys))
        name = "diagnose.column" if len(columns) == 1 else "diagnose.columns"
        parts.append(words.say(name, columns=listed(columns, words)))
    return ", ".join(parts) or words.say("diagnose.everywhere")


def _numbers(ranges: Iterable[range]) -> Iterator[int]:
    for one in ranges:
        yield from one


def listed(numbers: Sequence[int], words: Lessons) -> str:
    """Numbers in a sentence: 0, 2 to 4, 9; of many only the first few."""
    runs = [
        [number for _, number in run]
        for _, run in groupby(enumerate(sorted(numbers)), key=lambda pair: pair[1] - pair[0])
    ]
    first = ", ".join(_run(run, words) for run in runs[:LISTED])
    left = sum(map(len, runs[LISTED:]))
    return words.say("diagnose.more", listed=first, count=left) if left else first


def _run(numbers: Sequence[int], words: Lessons) -> str:
    """Numbers that follow each other."""
    if len(numbers) < 3:
        return ", ".join(map(str, numbers))
    return words.say("diagnose.to", first=numbers[0], last=numbers[-1])
