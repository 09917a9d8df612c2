"""What a text of a corpus is called: our own words in the language of whoever reads them, the name of a file as it is."""

from __future__ import annotations

import re

from attnviz.text.message import Message

PLACE = re.compile(r"(line|row) (\d+)")


def text_name(name: str) -> str:
    """A text by the ``name`` that statistics keep of it: "line 12" and "row 12" are ours, "data.txt:12" is not."""
    found = PLACE.fullmatch(name)
    if found is None:
        return name
    return Message("line {number}" if found[1] == "line" else "row {number}", number=found[2])
