"""From bytes to a text: UTF-8, with or without a byte order mark."""

from __future__ import annotations

import codecs

from attnviz.errors import AttnvizError

WIDE = {  # how a text in another encoding begins, the longer mark first: UTF-16's is the beginning of UTF-32's
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


def decoded(content: bytes, name: str) -> str:
    """The text that ``content`` is; AttnvizError, which calls it ``name``, where it is empty or no UTF-8."""
    if not content:
        raise AttnvizError("{name} is empty", "give at least one word", name=name)
    if wide := next((encoding for mark, encoding in WIDE.items() if content.startswith(mark)), None):
        raise AttnvizError(
            "{name} is {wide} text, not UTF-8", "convert it first: iconv -f {wide} -t UTF-8", name=name, wide=wide
        )
    if b"\0" in content:
        raise AttnvizError(
            "{name} is binary, not text: a zero byte at position {index}",
            "arrays are read with --from",
            name=name,
            index=content.index(0),
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise AttnvizError(
            "{name} is not UTF-8 text: byte 0x{content:02x} at position {start}",
            "convert it first, for example with iconv",
            name=name,
            content=content[error.start],
            start=error.start,
        ) from None


def lines_in(text: str) -> list[str]:
    """The lines of ``text``, which end where a file's lines end: not at \\x0c or \\u2028."""
    lines = text.split("\n")
    return [line.removesuffix("\r") for line in (lines if lines[-1] else lines[:-1])]
