"""The words for people that stand in the code, found in its syntax: the English of all errors, notices and help."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from package_sources import tree

# What says something to a person: each of its texts is a sentence of the catalogue, even one of a single word.
SAYING = {
    "AttnvizError",
    "UsageError",
    "ChoiceError",
    "Message",
    "notice",
    "progress",
    "output_option",
    "format_option",
}
# What a person types, and the shape of an array: the same in every language.
TYPED = re.compile(r"--[\w-]+|\(tokens, d\)")
PLACE = re.compile(r"\{[^{}]*\}")
TWO_WORDS = re.compile(
    r"[^\W\d_]+[,:;]? [^\W\d_]{2,}|[^\W\d_]{2,}[,:;]? [^\W\d_]+|[^\W\d_]{2,}[,:;]? \{|\}[,:;]? [^\W\d_]{2,}"
)
WORD = re.compile(r"[^\W\d_]{2,}")

# Where texts stand that no person reads as words of attnviz, and why.
NOT_FOR_PEOPLE = {
    "attnviz.sources.tiny.words": "the language of the tiny model",
    "attnviz.sources.tiny.grammar": "the language of the tiny model",
    "attnviz.sources.tiny.train": "a developer's tool, which trains the tiny model",
    "attnviz.sources.tiny.questions": "seeds",
    "attnviz.renderers.data.json_format": "a fault of ours",
    "attnviz.sources.tiny.learning": "a developer's tool, which trains the tiny model",
    "attnviz.pooling.gpu": "a log for developers, which nobody sees unasked",
    "attnviz.renderers.page.bundle": "HTML, and faults of the page's own modules",
    "attnviz.renderers.page.notebook": "HTML",
    "attnviz.renderers.course.markup": "HTML",
    "attnviz.renderers.course.page": "HTML",
    "attnviz.renderers.course.notebook": "Python",
    "attnviz.renderers.explain.fragment": "HTML and its style",
    "attnviz.renderers.difference.fragment": "HTML and its style",
    "attnviz.renderers.diagnosis.fragment": "HTML and its style",
    "attnviz.renderers.recorded.layer_html": "HTML and its style",
    "attnviz.renderers.roles.role_html": "HTML and its style",
    "attnviz.renderers.shared.html_table": "HTML and its style",
    "attnviz.renderers.across.share_html": "HTML and its style",
    "attnviz.renderers.stats.head_html": "HTML and its style",
    "attnviz.renderers.heatmap.fonts": "names of fonts",
    "attnviz.text.course": "faults of a chapter, which a test finds",
}
# Texts of other places, and why.
NO_WORDS_OF_OURS = {
    "what libraries say": (
        "allocate memory",
        "GGUF model with architecture",
        "GGUF architecture",
        "size mismatch",
        "failed to map segment",
        "start new thread",
        "thread creation failed",
        "could not be made c-contiguous",
        "without setting an exception",
        "error return without exception set",
        "custom code",
        "does not recognize this architecture",
        "Unrecognized model",
        "offline mode is enabled",
        "in the local cache",
        "incompatible function arguments",
        "matplotlib could not make an array",
        "integer string conversion",
        "extra argument",
        "Invalid value for ",
        "real floating",
    ),
    "options, commands and data": (
        "--backend torch",
        "--step all",
        "the average other head",
        "Your journey starts with one step",
        "Your journey starts",
        "attnviz learn 1 --text …",
        "attn_mask",
        "scores = Q Kᵀ",
        "output = weights V",
        "(tokens, d), (heads, tokens, d) or (1, heads, tokens, d)",
        "(heads, tokens, d)",
        "(heads, queries, keys)",
        "(batch, heads, queries, keys)",
        "(layers, heads, queries, keys)",
        "(layers, batch, heads, queries, keys)",
        "bold cyan",
        "not needed",  # a verdict, whose words are in lessons/
        "looks elsewhere",
    ),
    "the manual, which is English": ("# The manual of attnviz", "`attnviz manual TOPIC` shows one of these pages:"),
}
NOTATION = {
    "attnviz learn {x}",
    " · kv {x}",
    "{x} MB",
    "attnviz: {x}",
    "layer {x}",
    "attnviz {x}\n",
    "{x} Q Kᵀ",
}  # of arrays, units, files, and a layer's name in data
KNOWN = {text for texts in NO_WORDS_OF_OURS.values() for text in texts}


class Words(NamedTuple):
    """A text in the code, and where; ``text`` is None of one that is put together there (an f-string, a sum)."""

    module: str
    line: int
    text: str | None
    source: str


def words_for_people(sources: Mapping[str, str]) -> Iterator[Words]:
    """Every text that a person may read, of the modules by their names."""
    for module, source in sources.items():
        if not module.startswith(tuple(NOT_FOR_PEOPLE)):
            yield from _of_module(module, tree(source))


def sentences(words: Iterable[Words]) -> dict[str, str]:
    """The English sentences that the catalogue must have, each with the place where it stands first."""
    found: dict[str, str] = {}
    for one in words:
        if one.text is not None and _has_words(one.text):
            found.setdefault(one.text, f"{one.module}:{one.line}")
    return found


def _has_words(sentence: str) -> bool:
    """Whether anything is to be translated in a sentence, but for its places, options, shapes and what is typed."""
    return not sentence.startswith(("pip install '", "pip install -U ")) and bool(
        WORD.search(TYPED.sub("", PLACE.sub("", sentence)))
    )


def put_together(words: Iterable[Words]) -> list[str]:
    """Texts that no catalogue could have, since they are put together where they stand."""
    return [f"{one.module}:{one.line}: {one.source}" for one in words if one.text is None]


def _of_module(module: str, syntax: ast.Module) -> Iterator[Words]:
    found: list[Words] = []
    _look(syntax, False, module, found)
    yield from found
    for text, line in _docstrings_of_commands(module, syntax):
        yield Words(module, line, text, text)


def _look(node: ast.AST, said: bool, module: str, found: list[Words]) -> None:
    """Add the texts of ``node`` to those that were ``found``; ``said``: it is handed to what says something.

    Docstrings, and what Python shows of an object, are for programmers.
    """
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            _add(node.value, node, said, module, found)
    elif isinstance(node, ast.JoinedStr):
        text = "".join(part.value if isinstance(part, ast.Constant) else "{x}" for part in node.values)  # type: ignore[misc]
        if text not in NOTATION and (TWO_WORDS.search(text) or (said and WORD.search(text.replace("{x}", "")))):
            found.append(Words(module, node.lineno, None, ast.unparse(node)))
    elif isinstance(node, ast.Call):
        speaks = getattr(node.func, "id", getattr(node.func, "attr", "")) in SAYING
        for one in node.args:
            _look(one, speaks, module, found)
        for keyword in node.keywords:
            _look(keyword.value, keyword.arg in ("help", "epilog"), module, found)
        _look(node.func, False, module, found)
    elif not _for_programmers(node):
        for child in ast.iter_child_nodes(node):
            _look(child, said and isinstance(node, ast.IfExp) and child is not node.test, module, found)


def _for_programmers(node: ast.AST) -> bool:
    is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return is_docstring or (isinstance(node, ast.FunctionDef) and node.name in ("__repr__", "__getattr__"))


def _add(text: str, node: ast.Constant, said: bool, module: str, found: list[Words]) -> None:
    if text not in KNOWN and (TWO_WORDS.search(text) or (said and WORD.search(text))):
        sentence = text.partition(": attnviz ")[0] if text.startswith("Example: ") else text
        found.append(Words(module, node.lineno, sentence, sentence))


def _docstrings_of_commands(module: str, syntax: ast.Module) -> Iterator[tuple[str, int]]:
    """A command's docstring is its help: a sentence for each paragraph, but for the example at its end."""
    for node in syntax.body:
        if not isinstance(node, ast.FunctionDef):
            continue
        if module == f"attnviz.cli.commands.{node.name}" or (module, node.name) == ("attnviz.cli.app", "program"):
            for part in inspect.cleandoc(ast.get_docstring(node) or "").split("\n\n"):
                yield part.replace("\n", " ").partition(": attnviz ")[0], node.lineno
