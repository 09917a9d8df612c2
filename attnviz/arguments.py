"""What Python code gives for the options of the command line: checked by the same limits, told in one line if wrong."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from enum import StrEnum
from hashlib import sha256
from operator import index
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from attnviz.choices import (
    QUANTILE_LIMITS,
    SEED_LIMITS,
    TEMPERATURE_LIMITS,
    TOP_K_LIMITS,
    TOP_P_LIMITS,
    Limits,
    listed_words,
)
from attnviz.errors import AttnvizError
from attnviz.text.display import shorten
from attnviz.text.message import Message

if TYPE_CHECKING:
    from attnviz.trace.written import Sampling

Chosen = str | int | Iterable[str | int]  # numbers of layers or heads, and ranges of them: 3, "0,4-7", [0, 3]
Where = str | int | range  # of a query or a key: a token, a position, or positions
Choice = TypeVar("Choice", bound=StrEnum)

NOTHING: Mapping[str, Any] = MappingProxyType({})
UNLIMITED = Limits(float("-inf"))


def whole_number(name: str, value: Any, limits: Limits = UNLIMITED) -> int:
    """``value`` as an int, of whatever library it is."""
    number = _index(value)
    if number is None or not _within(number, limits):
        raise _unexpected(name, value, Message("a whole number{limits}", limits=_told(limits)))
    return number


def real_number(name: str, value: Any, limits: Limits = UNLIMITED) -> float:
    """``value`` as a float."""
    try:
        number = float("nan") if isinstance(value, bool | str) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if not _within(number, limits):
        raise _unexpected(name, value, Message("a number{limits}", limits=_told(limits)))
    return number


def text_of(name: str, value: Any) -> str:
    """``value`` if it is a text."""
    if not isinstance(value, str):
        raise _unexpected(name, value, Message("a text"))
    return value


def path_of(name: str, value: Any) -> str | os.PathLike[str]:
    """``value`` if it can name a file."""
    if not isinstance(value, str | os.PathLike):
        raise _unexpected(name, value, Message("a path"))
    return value


def as_asked(usual: Mapping[str, Any] = NOTHING, /, **given: Any) -> dict[str, Any]:
    """What was asked for, by the names of options, as JSON holds it and a shell and Python say alike.

    What was not, or is as ``usual``, is left out. Of an array all that matters is told by a hash, so that the same numbers are
    the same, and others are not.
    """
    words = {name: _in_words(value) for name, value in given.items() if not _is_nothing(value)}
    return {name: said for name, said in words.items() if said and said != _in_words(usual.get(name))}


def hash_of_array(array: Any) -> str:
    """The type, the shape and a hash of all numbers of an array, where str() would write some of them, and not to the last digit."""
    import numpy

    kind = str(array.dtype) if hasattr(array, "dtype") else ""
    if kind == "torch.bfloat16":  # which NumPy does not know
        array = array.float()
    plain = numpy.ascontiguousarray(array.detach().cpu() if hasattr(array, "detach") else array)
    kind = kind.removeprefix("torch.") or str(plain.dtype)
    return f"{kind} {plain.shape} {sha256(plain.tobytes()).hexdigest()}"


def _is_nothing(value: Any) -> bool:
    return value is None or value is False


def _in_words(value: Any) -> Any:
    """A value as JSON holds it: words, lists of words, and words by name."""
    if isinstance(value, Mapping):
        return {str(name): _in_words(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_in_words(one) for one in value]
    if isinstance(value, range):
        return f"{value.start}:{value.stop}"  # as a shell says it
    if hasattr(value, "__array__") and (not hasattr(value, "ndim") or value.ndim):
        return hash_of_array(value)
    if isinstance(value, str | bool) or not hasattr(value, "__float__"):
        return str(value)
    return repr(int(value)) if float(value).is_integer() else repr(float(value))


def chosen(name: str, value: Any) -> list[str]:
    """What is given for layers or heads, as the command line has it."""
    from attnviz.trace.selectors import are_numbers

    words = None
    if isinstance(value, str) or _index(value) is not None:
        words = [str(value)]
    elif isinstance(value, Iterable):
        words = [str(word) for word in value]
    if words is None or not are_numbers(words):
        raise _unexpected(name, value, Message("numbers and ranges such as 3, '0,4-7' or [0, 3]"))
    return words


def where(name: str, value: Any) -> str | range | None:
    """What is given for a query or a key: a number is always a position."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, range) and value.step == 1 and min(value.start, value.stop) >= 0:
        return value
    position = _index(value)
    if position is None or position < 0:
        raise _unexpected(name, value, Message("a token, a position counted from 0, or positions such as range(0, 2)"))
    return f"@{position}"


def member(kind: type[Choice], word: Any, name: str) -> Choice:
    """The member of ``kind`` that ``word`` names."""
    if not isinstance(word, str) or word not in list(kind):
        raise _unexpected(name, word, Message("one of {kind}", kind=", ".join(kind)))
    return kind(word)


def members(kind: type[Choice], given: Any, name: str) -> list[Choice]:
    """The members of ``kind`` that are named, in a text with commas between them or one by one."""
    if not isinstance(given, Iterable):
        raise _unexpected(name, given, Message("some of {kind}", kind=", ".join(kind)))
    names = [given] if isinstance(given, str) else list(given)
    return [
        member(kind, word, name) for one in names for word in (listed_words(one) if isinstance(one, str) else [one])
    ]


def numbers_of(kind: type[Choice], given: Any, name: str, limits: Limits) -> dict[Choice, float]:
    """A number for some members of ``kind``, by their names; None: for none."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise _unexpected(name, given, Message("a number by the name of each"))
    return {member(kind, word, name): real_number(name, number, limits) for word, number in given.items()}


def quantiles_of(given: Any) -> tuple[float, ...]:
    """Shares of texts, each once and in their order: numbers from 0 to 1, or words of such ("0.05,0.5,0.95"); nothing for none."""
    words = [given] if isinstance(given, str) else given
    if not isinstance(words, Iterable):
        raise _unexpected("quantiles", given, Message("numbers from 0 to 1, such as 0.05,0.5,0.95"))
    parts = [part for word in words for part in (listed_words(word) if isinstance(word, str) else [word])]
    try:
        shares = [float(part) for part in parts if not isinstance(part, bool)]
    except (TypeError, ValueError, OverflowError):
        shares = [-1.0]
    if len(shares) < len(parts) or not all(_within(share, QUANTILE_LIMITS) for share in shares):
        raise _unexpected("quantiles", given, Message("numbers from 0 to 1, such as 0.05,0.5,0.95"))
    return tuple(sorted(set(shares)))


def drawing(temperature: Any, top_k: Any, top_p: Any, seed: Any) -> Sampling:
    """How tokens are to be drawn, if any of the first three is given."""
    from attnviz.trace.written import Sampling

    return Sampling(
        None if temperature is None else real_number("temperature", temperature, TEMPERATURE_LIMITS),
        None if top_k is None else whole_number("top_k", top_k, TOP_K_LIMITS),
        None if top_p is None else real_number("top_p", top_p, TOP_P_LIMITS),
        whole_number("seed", seed, SEED_LIMITS),
    )


def _index(value: Any) -> int | None:
    """``value`` as an int, if it is a whole number: neither True nor 1.0 is."""
    try:
        return None if isinstance(value, bool) else int(index(value))
    except TypeError:
        return None


def _within(number: float, limits: Limits) -> bool:
    """NaN is within no limits."""
    return number >= limits.min and (limits.max is None or number <= limits.max)


def _told(limits: Limits) -> str:
    if limits == UNLIMITED:
        return ""
    return (
        Message(", {min} or more", min=limits.min)
        if limits.max is None
        else Message(" from {min} to {max}", min=limits.min, max=limits.max)
    )


def _unexpected(name: str, value: Any, expected: str) -> AttnvizError:
    given = shorten(" ".join(repr(value).split()), 60)  # an array's goes over many lines
    return AttnvizError("{name} is {given}: expected {expected}", name=name, given=given, expected=expected)
