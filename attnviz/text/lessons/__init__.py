"""The explanations in words: a TOML file for each language, all with the same messages and placeholders."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from attnviz.choices import Language


class Lessons:
    """The messages of one language, by dotted names ("scores.what")."""

    def __init__(self, messages: dict[str, str]) -> None:
        self.messages = messages

    def say(self, name: str, **values: Any) -> str:
        """The message ``name`` with ``values`` in its placeholders."""
        return self.messages[name].format_map(values)


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
