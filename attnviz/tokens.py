"""From text to tokens, and how a token is shown to a person."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache

from attnviz.errors import AttnvizError

# A word is letters, digits, underscores and the marks that belong to them, with apostrophes inside (don't);
# every other sign stands alone. The second form says the same for all of Unicode, where a sign may be several
# code points (an emoji with its skin tone): \X is a grapheme cluster, UAX #29.
ASCII_CLUSTER = re.compile(r"\r\n|.", re.DOTALL)
ASCII_WORD = re.compile(r"\w+(?:'\w+)*|[^\w\s]", re.ASCII)
UNICODE_WORD = r"[\p{L}\p{M}\p{N}_]+(?:['’\u200c\u200d][\p{L}\p{M}\p{N}_]+)*|(?!\s)\X"

NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)"  # of a position, as people type it or as titles write it: 1000, 1,000
BEYOND = 10**15  # no text is as long

FILLERS = "\u115f\u1160\u3164\uffa0"  # Hangul letters that show nothing
JOINERS = "\u200c\u200d"  # zero-width, and part of many emoji and of Indic and Persian words


class Tokenizer(StrEnum):
    """How the toy source cuts a text into tokens."""

    WORD = "word"
    CHAR = "char"
    BYTE = "byte"
    WHITESPACE = "whitespace"

    def tokenize(self, text: str) -> list[str]:
        """The tokens of ``text``, in order; AttnvizError when it holds none."""
        text = valid_text(text)
        match self:
            case Tokenizer.WORD:
                tokens = ASCII_WORD.findall(text) if text.isascii() else _unicode(UNICODE_WORD).findall(text)
            case Tokenizer.CHAR:
                tokens = clusters(text)
            case Tokenizer.BYTE:
                tokens = [chr(byte) if byte < 0x80 else f"<0x{byte:02X}>" for byte in text.encode()]
            case Tokenizer.WHITESPACE:
                tokens = text.split()
        if not tokens:
            raise AttnvizError(
                "the text is empty" if not text else "the text holds only white space", "give at least one word"
            )
        return tokens


def valid_text(text: str) -> str:
    """``text`` with lone surrogates, which no file and no terminal can hold, written out as ``\\udc80``."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


@lru_cache(maxsize=65536)
def shown(token: str) -> str:
    """``token`` as a person may safely see it: white space visible, control and format characters written out."""
    if token.isascii() and token.isprintable() and " " not in token and token:
        return token
    if not token:
        return "''"
    visible = "".join(_visible(token, index) for index in range(len(token)))
    return "◌" + visible if _combines(token[0]) else visible  # a mark alone needs something to sit on


def shorten(text: str, cells: int) -> str:
    """``text`` cut to ``cells`` terminal cells, the cut marked with an ellipsis."""
    from rich.cells import cell_len, set_cell_size

    if cell_len(text) <= cells:
        return text
    return set_cell_size(text, cells - 1).rstrip() + "…" if cells > 0 else ""


def clusters(text: str) -> list[str]:
    """The characters of ``text`` as a person counts them: grapheme clusters, UAX #29."""
    return ASCII_CLUSTER.findall(text) if text.isascii() else list(_unicode(r"\X").findall(text))


def folded(token: str) -> str:
    """What makes two tokens the same word: neither upper case nor how an accent is encoded tells them apart."""
    return token.casefold() if token.isascii() else unicodedata.normalize("NFC", token.casefold())


def find(tokens: Iterable[str], wanted: str) -> list[int]:
    """The positions at which ``wanted`` stands among ``tokens``: a token (in any case) or a position.

    A number that is itself a token means the token; ``@1`` always means the position.
    """
    tokens = list(tokens)
    if wanted.startswith("@") and wanted not in tokens:
        return _place(wanted[1:], len(tokens))
    same = [position for position, token in enumerate(tokens) if wanted in (token, shown(token))]
    same = same or [position for position, token in enumerate(tokens) if folded(token) == folded(wanted)]
    return same or _place(wanted, len(tokens))


def whole_number(word: str) -> int:
    """What a ``NUMBER`` means: itself, or ``BEYOND`` where it is larger, however many digits that takes."""
    digits = word.replace(",", "").lstrip("0")
    return int(digits or "0") if len(digits) < len(str(BEYOND)) else BEYOND


def _place(word: str, count: int) -> list[int]:
    place = whole_number(word) if re.fullmatch(NUMBER, word) else count
    return [place] if place < count else []


@lru_cache(maxsize=2)
def _unicode(pattern: str):  # type: ignore[no-untyped-def]  # regex.Pattern, imported here alone
    import regex  # only for text beyond ASCII: 10 ms at start-up

    return regex.compile(pattern)


def _combines(character: str) -> bool:
    return unicodedata.category(character).startswith("M")


def _visible(token: str, index: int) -> str:
    character = token[index]
    if character == " ":
        return "·"
    if (character.isprintable() and character not in FILLERS) or (character in JOINERS and 0 < index < len(token) - 1):
        return character
    return character.encode("unicode_escape").decode("ascii")
