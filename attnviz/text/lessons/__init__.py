"""The explanations in words: a TOML file for each language, all with the same messages and placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from attnviz.choices import Language
from attnviz.text.display import NamedToken

PLACE = re.compile(r"`\{(\w+)\}`|\{(\w+)\}")  # of a token, which stands between backticks, or of any other value
GROUP = re.compile(r"^\[(\w+)\]$", re.MULTILINE)  # the head of a group of messages in a file


class Catalogue(Mapping[str, str]):
    """The messages of a TOML file by dotted names; of its groups only those are parsed that are asked for.

    A command says some of ten groups out of forty: to parse them all is a tenth of the time that it takes.
    """

    def __init__(self, text: str) -> None:
        _, *parts = GROUP.split(text)  # name, text, name, text, …
        self._texts = dict(zip(parts[::2], parts[1::2], strict=True))
        self._group = cache(self._parsed)

    def _parsed(self, group: str) -> dict[str, str]:
        import tomllib

        return tomllib.loads(self._texts[group])

    def __getitem__(self, name: str) -> str:
        group, _, key = name.partition(".")
        return self._group(group)[key]

    def __iter__(self) -> Iterator[str]:
        return (f"{group}.{key}" for group in self._texts for key in self._group(group))

    def __len__(self) -> int:
        return sum(len(self._group(group)) for group in self._texts)


class Lessons:
    """The messages of one language, by dotted names ("scores.what")."""

    def __init__(self, messages: Mapping[str, str], language: Language = Language.EN) -> None:
        self.messages, self.language = messages, language

    def say(self, name: str, **values: Any) -> str:
        """The message ``name`` with ``values`` in its placeholders; a token is a string or a ``NamedToken``."""

        def written(place: re.Match[str]) -> str:
            if place[1] is None:
                return str(values[place[2]])
            token = values[place[1]]
            return token.quoted if isinstance(token, NamedToken) else NamedToken(token).quoted

        return PLACE.sub(written, self.messages[name])


@lru_cache
def lessons(language: Language = Language.EN) -> Lessons:
    """The messages of ``language``."""
    return Lessons(Catalogue((Path(__file__).parent / f"{language.value}.toml").read_text(encoding="utf-8")), language)
