"""The explanations in words: a TOML file for each language, all with the same messages and placeholders."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from attnviz.choices import Language
from attnviz.text.display import NamedToken

PLACE = re.compile(r"`\{(\w+)\}`|\{(\w+)\}")  # of a token, which stands between backticks, or of any other value


class Lessons:
    """The messages of one language, by dotted names ("scores.what")."""

    def __init__(self, messages: dict[str, str]) -> None:
        self.messages = messages

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
    import tomllib

    text = (Path(__file__).parent / f"{language.value}.toml").read_text(encoding="utf-8")
    return Lessons(
        {
            f"{group}.{name}": message
            for group, messages in tomllib.loads(text).items()
            for name, message in messages.items()
        }
    )
