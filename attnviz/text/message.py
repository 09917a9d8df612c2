"""Errors, notices and help: an English sentence where it is said, and the same in another language where it is shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from attnviz.choices import Language

FOLDER = Path(__file__).parent / "messages"
PLACE = re.compile(
    r"\{(?P<name>\w+)(?P<how>(?:![rs])?(?::[\w,.]*)?)\}"
)  # as str.format has it: {tokens:,}, {word!r:.60}
# What is counted, behind its number: English says one of it otherwise. Not of a product or a share ("3 × 1 tokens", "1 of 1
# texts"), nor where a verb follows, which would have to change as well: such a sentence counts another way.
COUNTED = re.compile(
    r"(?<!× )(?<!of )\{(?P<name>\w+)(?::,)?\} (?:(?:blank|finished|chosen|query) )?"
    r"(?:texts|tokens|words|lines|rows|columns|heads|layers|keys|queries|positions|dimensions|shards|workers|numbers|metrics|sections)\b"
    r"(?! (?:are|were|have|do|look|fit|reach)\b)"
)
AND, OR, COMMA = "{before} and {word}", "{before} or {word}", "{before}, {word}"  # how words stand one after the other


class Message(str):
    """An English sentence with values in it, which remembers both: ``told`` says it in another language.

    ``template`` names its places, {tokens} or {tokens:,}; ``values`` holds what stands in them, each as it is written. A
    value that is a Message is told in that language as well; any other stays as it is, whatever words it has. "{tokens} tokens"
    of one token is "1 token", in any sentence: none needs to be written twice. A place without a value stays as it is: it may be a brace of somebody's own words, and a fault in what is said must not hide what was wrong.
    """

    template: str
    values: Mapping[str, str]

    def __new__(cls, template: str, /, **values: Any) -> Message:
        places = PLACE.finditer(template) if values else ()  # braces in a sentence without values are its own
        written = {
            place["name"]: _written(values[place["name"]], place["how"]) for place in places if place["name"] in values
        }
        message = super().__new__(cls, _filled(template, written))
        message.template, message.values = template, written
        return message

    def __reduce__(self) -> tuple[Any, ...]:
        return again, (self.template, dict(self.values))


def told(text: str, language: Language) -> str:
    """``text`` in ``language``. A Message, and a sentence that the catalogue has, is translated; what somebody else wrote
    (a library, a person) stays as it is."""
    if language is Language.EN:
        return str(text)
    known = catalogue(language)
    if not isinstance(text, Message):
        return known.get(text, text)
    values = {
        name: told(value, language) if isinstance(value, Message) else value for name, value in text.values.items()
    }
    return _filled(known.get(text.template, text.template), values)


@lru_cache
def catalogue(language: Language) -> Mapping[str, str]:
    """Every sentence of ``language`` by the English one, whose words are in the code. Parsed only where it is asked for."""
    import tomllib

    groups = tomllib.loads((FOLDER / f"{language.value}.toml").read_text(encoding="utf-8"))
    return {english: sentence for group in groups.values() for english, sentence in group.items()}


def joined(words: Iterable[Any], joint: str) -> str:
    """``words`` one after the other, as ``joint`` puts two of them together: ``AND``, ``OR`` or ``COMMA``."""
    made, *more = words
    for word in more:
        made = Message(joint, before=made, word=word)
    return made if isinstance(made, Message) else str(made)


def said_by(error: BaseException) -> str:
    """What an error says of itself, a Message where it is one: str() would forget what it remembers."""
    said = error.args[0] if error.args else None
    return said if isinstance(said, Message) else str(error)


def of_option(message: str) -> Message:
    """What is said of an argument of a function, said of the option with that name: its dashes in front, and inside."""
    if not isinstance(message, Message):
        return Message("--{said}", said=message)
    values = {name: value.replace("_", "-") for name, value in message.values.items()}
    return Message("--{said}", said=again(message.template, values))


def meaning(message: Message, known: Message) -> Message:
    """``message`` with ``known`` itself where a value has its words alone, as the path has that stands for standard input."""
    values = {
        name: known if value == known else meaning(value, known) if isinstance(value, Message) else value
        for name, value in message.values.items()
    }
    return again(message.template, values)


def _written(value: Any, how: str) -> str:
    """A value as its place wants it written; a Message keeps what it remembers."""
    if isinstance(value, Message) and not how:
        return value
    return f"{{0{how}}}".format(value)


def _filled(template: str, values: Mapping[str, str]) -> str:
    """The template with its values, and with one of what it counts where the number is 1. (A language that says it otherwise
    has no such words in its templates.)"""
    if not values:
        return template
    agreed = COUNTED.sub(lambda found: _one(found[0]) if values.get(found["name"]) == "1" else found[0], template)
    return PLACE.sub(lambda place: str(values.get(place["name"], place[0])), agreed)


def _one(counted: str) -> str:
    """ "{count} tokens", as English says it of one."""
    return counted.removesuffix("ies") + "y" if counted.endswith("ies") else counted.removesuffix("s")


def again(template: str, values: Mapping[str, str]) -> Message:
    """A Message that was taken apart, pickled or saved: its values are written already, and its sentence is the catalogue's."""
    message = str.__new__(Message, _filled(template, values))
    message.template, message.values = template, values
    return message
