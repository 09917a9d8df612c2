"""What stands in a chapter's commands and programs in place of names in braces: all of it of the reader's sentence."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable

from attnviz.renderers.course.material import Material
from attnviz.renderers.course.pieces import beginning, focus

LONGEST_TEXT = 60  # of a sentence in a command
NAMES = re.compile(r"\{(text|own|beginning|query|key)\}")
QUOTED = set('\\"$`!')  # what a shell reads between double quotes


class Places:
    """What the names in braces stand for.

    {text}       the sentence, or ``sample`` where the reader's is none that a command line shows well
    {own}        a space and the option that gives the sentence again, where it is the reader's own
    {beginning}  its first words, which the tiny model goes on from
    {query}      where the word stands that is followed through the course: @2
    {key}        where the word before it stands, or the word itself where it is the only one
    """

    def __init__(self, material: Material, sample: str) -> None:
        self.material, self.sample = material, sample

    def in_a_shell(self, line: str) -> str:
        return self._filled(line, _for_a_shell)

    def in_python(self, program: str) -> str:
        return self._filled(program, lambda text: json.dumps(text, ensure_ascii=False))

    def _filled(self, line: str, quoted: Callable[[str], str]) -> str:
        values: dict[str, Callable[[], str]] = {
            "text": lambda: quoted(self._text),
            "own": lambda: "" if self._text == self.sample else " ".join(["", "--text", quoted(self._text)]),
            "beginning": lambda: quoted(beginning(self.material.toy(self._text))),
            "query": lambda: f"@{self._query}",
            "key": lambda: f"@{max(self._query - 1, 0)}",
        }
        return NAMES.sub(lambda found: values[found[1]](), line)

    @property
    def _query(self) -> int:
        return focus(self.material.toy(self._text))

    @property
    def _text(self) -> str:
        text = self.material.text
        fits = text.isprintable() and 0 < len(text) <= LONGEST_TEXT and not text.startswith("-")
        return text if fits else self.sample


def _for_a_shell(text: str) -> str:
    return shlex.quote(text) if QUOTED & set(text) or text.startswith("-") else f'"{text}"'
