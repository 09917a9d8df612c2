"""Characters as a person counts them, and texts that every file can hold."""

from __future__ import annotations

import re
from functools import lru_cache

ASCII_CLUSTER = re.compile(r"\r\n|.", re.DOTALL)


def valid_text(text: str) -> str:
    """``text`` with lone surrogates, which no file and no terminal can hold, written out as ``\\udc80``."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def valid_texts(texts: tuple[str, ...]) -> tuple[str, ...]:
    """The same of each of ``texts``, looked at together: a model's layers have as many tokens each as the text. TypeError where
    one is no string."""
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        return tuple(map(valid_text, texts))
    return texts


def clusters(text: str) -> list[str]:
    """The characters of ``text`` as a person counts them: grapheme clusters, UAX #29."""
    return ASCII_CLUSTER.findall(text) if text.isascii() else list(unicode_pattern(r"\X").findall(text))


@lru_cache(maxsize=2)
def unicode_pattern(pattern: str):  # type: ignore[no-untyped-def]  # regex.Pattern, imported here alone
    """The compiled pattern in the syntax of ``regex``, which knows all of Unicode."""
    import regex  # only for text beyond ASCII: 10 ms at start-up

    return regex.compile(pattern)
