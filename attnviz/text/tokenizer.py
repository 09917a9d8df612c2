"""From text to tokens."""

from __future__ import annotations

import re

from attnviz.choices import Tokenizer
from attnviz.errors import AttnvizError
from attnviz.text.characters import clusters, unicode_pattern, valid_text

# A word is letters, digits, underscores and the marks that belong to them, with apostrophes inside (don't);
# every other sign stands alone. The second form says the same for all of Unicode, where a sign may be several
# code points (an emoji with its skin tone): \X is a grapheme cluster, UAX #29.
ASCII_WORD = re.compile(r"\w+(?:'\w+)*|[^\w\s]", re.ASCII)
UNICODE_WORD = r"[\p{L}\p{M}\p{N}_]+(?:['’\u200c\u200d][\p{L}\p{M}\p{N}_]+)*|(?!\s)\X"


def tokenize(text: str, tokenizer: Tokenizer = Tokenizer.WORD) -> list[str]:
    """The tokens into which ``tokenizer`` cuts ``text``, in order; AttnvizError when it holds none."""
    text = valid_text(text)
    match tokenizer:
        case Tokenizer.WORD:
            tokens = ASCII_WORD.findall(text) if text.isascii() else unicode_pattern(UNICODE_WORD).findall(text)
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
