"""Scripts, styles and data in one document that fetches nothing.

The ES modules in script/ become one: each turns into a function that returns what it exports, in an order in which
every module comes after those it imports. They keep to three plain forms, which ``as_function`` knows:

    import { name, other } from "./module.js";      export function …      export const …
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
MAIN = "main"
IMPORT = re.compile(r'^import \{ ?([\w, \n]+?),? ?\} from "\./(\w+)\.js";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|const|class) (\w+))", re.MULTILINE)


def document(title: str, language: str, record: Mapping[str, Any], blobs: Iterable[str]) -> str:
    """The whole page: ``record`` as JSON, and its arrays as base64."""
    script, style = scripts(), styles()
    # Nothing but this very script and this very style may run, and nothing at all may be fetched.
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    data = json.dumps(record, ensure_ascii=True, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    arrays = "\n".join(
        f'<script type="text/plain" id="blob-{number}">{text}</script>' for number, text in enumerate(blobs)
    )
    replacements = {
        "language": html.escape(language),
        "policy": html.escape(policy, quote=True),
        "title": html.escape(title),
        "style": style,
        "record": data,
        "blobs": arrays,
        "script": script,
    }
    template = (FOLDER / "page.html").read_text(encoding="utf-8")
    # One pass, so that what is put in is never looked at again.
    return re.sub(r"\{\{(\w+)\}\}", lambda place: replacements[place[1]], template)


@lru_cache
def scripts() -> str:
    """All modules as one script."""
    sources = {path.stem: path.read_text(encoding="utf-8") for path in sorted((FOLDER / "script").glob("*.js"))}
    functions = (as_function(name, sources[name]) for name in in_order(sources))
    return '"use strict";\n' + "\n".join(functions)


@lru_cache
def styles() -> str:
    """All style sheets as one, in the order of their names."""
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted((FOLDER / "style").glob("*.css")))


def in_order(sources: Mapping[str, str]) -> list[str]:
    """The modules that ``main`` needs, each after those that it imports."""
    done: list[str] = []

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise ValueError(f"modules import each other: {' → '.join((*path, name))}")
        if name not in done:
            for needed in IMPORT.findall(sources[name]):
                visit(needed[1], (*path, name))
            done.append(name)

    visit(MAIN, ())
    return done


def as_function(name: str, source: str) -> str:
    """The module ``name`` as a function that returns what it exports; ValueError where it has another form."""
    exported = EXPORT.findall(source)
    body = EXPORT.sub(
        "", IMPORT.sub(lambda found: f"const {{ {' '.join(found[1].split())} }} = module_{found[2]};\n", source)
    )
    if re.search(r"^(import|export)\b", body, re.MULTILINE) or "</script" in body:
        raise ValueError(f"{name}.js has a form of import or export that the page does not know")
    return f"const module_{name} = (() => {{\n{body}return {{ {', '.join(exported)} }};\n}})();"


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
