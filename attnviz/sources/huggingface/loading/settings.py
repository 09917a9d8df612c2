"""What a model's own JSON files may ask for: attention that transformers builds in, files of the same folder, and no more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from attnviz.errors import AttnvizError
from attnviz.sources.huggingface.loading.folder import is_plain, read_settings
from attnviz.sources.huggingface.seams import BUILT_IN
from attnviz.text.message import OR, Message, joined

CONFIG = "config.json"
# Beside config.json and the older versions of it that it may name (config.4.0.0.json).
OTHERS = ("tokenizer_config.json", "preprocessor_config.json", "processor_config.json", "generation_config.json")
IMPLEMENTATION = re.compile(r"(attn|attention|experts?)_implementation")
# How many of each a model may have: all are built, or named, before its first weight is read, a thousand layers in a second
# or two.
COUNTS = (
    (re.compile(r"(n|num)_(\w+_)?(layers?|blocks?|experts?|stages?)|(\w+_)?layers|depths?"), 10_000),
    (re.compile(r"(n|num)_(\w+_)?(groups?|labels?)|(\w+_)?group_num"), 100_000),
)
# Fields that name a file, or list files, and how such a name ends. It is read from the model's own folder.
LISTS = ("configuration_files", "fast_tokenizer_files")
FILES = {
    "transformers_weights": (".safetensors", ".safetensors.index.json"),
    "configuration_files": (".json",),
    "fast_tokenizer_files": (".json",),
    "class_info_file": (".json",),
}


def read_config(name: str, folder: Path) -> dict[str, Any]:
    """What config.json says; AttnvizError where it, or a file beside it, asks for code, files or a size that it may not have."""
    if not (folder / CONFIG).is_file():
        raise AttnvizError("{name} holds no {config}: it is not a model's folder", name=name, config=CONFIG)
    for path in sorted(folder.glob("config*.json")):
        _require_harmless(name, path)
    for other in OTHERS:
        if (folder / other).is_file():
            _require_harmless(name, folder / other)
    return read_settings(name, folder / CONFIG)


def _require_harmless(name: str, path: Path) -> None:
    require_harmless(name, path.name, read_settings(name, path))


def require_harmless(name: str, file: str, settings: dict[str, Any]) -> None:
    """Refuse ``settings`` that a ``file`` of the model ``name`` holds, where they ask for what they may not have."""
    for field, value in _fields(settings):
        place = Message("{file:.60} of {name:.100} has {field:.40}", file=file, name=name, field=field)
        if IMPLEMENTATION.search(field.lower()):
            _require_built_in(place, value)
        if field in FILES:
            names = value if field in LISTS and isinstance(value, list) else [value]
            _require_plain(place, names, FILES[field])
        if field == "repo_path" and value is not None:
            raise AttnvizError(
                "{place}: it asks for files of another model, which attnviz does not read",
                "use another model",
                place=place,
            )
        for counted, most in COUNTS:
            if counted.fullmatch(field):
                _require_countable(place, value, most)


def _require_built_in(place: str, value: Any) -> None:
    """Refuse an implementation that is not one of transformers' own: any other is code, fetched from a hub and run."""
    for part in _leaves(value):
        if isinstance(part, str) and part not in BUILT_IN:
            raise AttnvizError(
                "{place} = {part!r:.100}: expected {known}",
                "attnviz runs no code that a model names; take this field out of the file",
                place=place,
                part=part,
                known=", ".join(BUILT_IN),
            )


def _require_countable(place: str, value: Any, most: int) -> None:
    for part in _leaves(value):
        if isinstance(part, int) and part > most:
            raise AttnvizError(
                "{place} = {part}: at most {most:,} are built",
                "copy it again",
                place=place,
                part=str(part)[:30],
                most=most,
            )


def _require_plain(place: str, names: list[Any], endings: tuple[str, ...]) -> None:
    for name in names:
        if name is not None and not any(is_plain(name, ending) for ending in endings):
            raise AttnvizError(
                "{place} = {name!r:.100}: expected the name of a {endings} file in the same folder",
                "attnviz reads no pickles, which can run any code, and nothing outside the folder that you name",
                place=place,
                name=name,
                endings=joined(endings, OR),
            )


def _fields(settings: Any) -> Iterator[tuple[str, Any]]:
    """Every field at any depth, however deep: without recursion."""
    waiting = [settings]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield from ((str(field), of) for field, of in value.items())  # numbers where transformers has read them
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _leaves(value: Any) -> Iterator[Any]:
    """The values in dictionaries and lists, at any depth."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict | list):
            waiting.extend(value.values() if isinstance(value, dict) else value)
        else:
            yield value
