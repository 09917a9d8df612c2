"""explain as LaTeX: the same headings, sentences and tables, as a part of a document that loads booktabs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from attnviz.renderers.explain.document import Heading, Part, Section, one_by_one, with_tokens
from attnviz.renderers.shared.matrix import Matrix

PREAMBLE = r"% \usepackage{booktabs}"
HEADINGS = ("section", "subsection", "subsubsection", "paragraph")  # by their level
# What LaTeX would read as a command.
SPECIAL = {
    **{sign: f"\\{sign}" for sign in "{}$&#_%"},
    **{
        sign: f"\\text{word}{{}}" for sign, word in {"\\": "backslash", "<": "less", ">": "greater", "|": "bar"}.items()
    },
    **{sign: f"\\textascii{word}{{}}" for sign, word in {"^": "circum", "~": "tilde", "`": "grave"}.items()},
}
# What formulas and sentences hold, and the text fonts of LaTeX lack.
SIGNS = {
    "∞": r"\infty", "√": r"\surd", "×": r"\times", "·": r"\cdot", "−": "-", "→": r"\rightarrow", "↓": r"\downarrow",
    "ᵀ": r"^{T}", "∅": r"\emptyset", "⁰": "^{0}", "¹": "^{1}", "²": "^{2}", "³": "^{3}", "⁻": "^{-}",
}  # fmt: skip
MEANT = str.maketrans(SPECIAL | {sign: f"${formula}$" for sign, formula in SIGNS.items()} | {"…": r"\dots{}"})
TWICE = re.compile(r"(?<=([-',]))(?=\1)")  # two of them would become one other sign
OPENING = ("[", "*")  # after the end of a line, a part of its command
# √3, W_Q and √d_k, e^0.5, and the sign of a number: what a formula sets better than a text.
FORMULA = re.compile(r"√(\d+)|(√?)\b([A-Za-z])_([A-Za-z])\b|\be\^(-?[\d.]+|x\b)|(?<![\w-])-(?=\d)")


def to_latex(parts: Iterable[Part]) -> str:
    """What ``sections.explain`` tells, for ``\\input`` in a document of LaTeX."""
    blocks, level = [PREAMBLE], 1
    for part in one_by_one(parts):
        if isinstance(part, Heading):
            level = part.level
            blocks.append(_heading(level, _text(part.text) if level == 1 else _told(part.text)))
            blocks += [_told(part.facts)] if part.facts else []
        else:
            blocks += _section(part, level + 1)
    return "\n\n".join(blocks) + "\n"


def _section(section: Section, level: int) -> Iterator[str]:
    """The blocks of a section, whose heading is one level below that of the head or the layer above it."""
    yield _heading(level, _told(section.title) + (f": {_told(section.formula)}" if section.formula else ""))
    if section.sentences:
        yield " ".join(map(_told, section.sentences))
    if section.lines:
        yield "\\begin{flushleft}\n" + "\\\\\n".join(map(_line, section.lines)) + "\n\\end{flushleft}"
    yield from map(_table, section.matrices)


def _heading(level: int, text: str) -> str:
    return f"\\{HEADINGS[level - 1]}*{{{text}}}"


def _line(line: str) -> str:
    """A line of arithmetic, indented as it is."""
    return (r"\quad " if line.startswith(" ") else r"\noindent ") + _told(line.strip())


def _table(matrix: Matrix) -> str:
    rows = [[label, *cells] for label, cells in zip(matrix.rows, matrix.cells, strict=True)]
    lines = [_row([_told(matrix.corner), *map(_text, matrix.columns)])]
    lines += [r"\midrule", *(_row([_text(label), *map(_set, cells)]) for label, *cells in rows)]
    columns = f"@{{}}l{'r' * len(matrix.columns)}@{{}}"
    return "\n".join(
        [
            r"\begin{center}",
            f"\\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{center}",
        ]
    )


def _row(cells: list[str]) -> str:
    return " & ".join(cells) + r" \\"


def _told(sentence: str) -> str:
    """A sentence, its tokens as typewriter text."""
    return with_tokens(sentence, _set, lambda token: f"\\texttt{{{_text(token)}}}")


def _set(text: str) -> str:
    """``text`` of our own, with what is a formula in it set as one."""
    written, end = [], 0
    for found in FORMULA.finditer(text):
        written += [_text(text[end : found.start()]), f"${_formula(found)}$"]
        end = found.end()
    return "".join([*written, _text(text[end:])])


def _formula(found: re.Match[str]) -> str:
    root, rooted, letter, index, power = found.groups()
    if power:
        return f"e^{{{power}}}"
    inner = root or (f"{letter}_{{{index}}}" if letter else "")
    return f"\\sqrt{{{inner}}}" if root or rooted else inner or "-"


def _text(text: str) -> str:
    """``text`` as LaTeX shows it."""
    guarded = TWICE.sub("\0", text).translate(MEANT).replace("\0", "{}")
    return "{}" + guarded if text.startswith(OPENING) else guarded
