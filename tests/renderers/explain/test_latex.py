"""explain as LaTeX: what a reader sees after typesetting is what was meant, whatever the tokens are.

No LaTeX is needed: ``seen`` reads the few commands that are written, and takes no other.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attnviz.renderers.explain.document import Heading, Section
from attnviz.renderers.explain.latex import PREAMBLE, SIGNS, to_latex
from attnviz.renderers.shared.labels import name
from attnviz.renderers.shared.matrix import Matrix

COMMANDS = {
    r"\textbackslash": "\\", r"\textless": "<", r"\textgreater": ">", r"\textbar": "|", r"\textasciicircum": "^",
    r"\textasciitilde": "~", r"\textasciigrave": "`", r"\dots": "…", r"\{": "{", r"\}": "}", r"\$": "$", r"\&": "&",
    r"\#": "#", r"\_": "_", r"\%": "%",
}  # fmt: skip
FORMULAS = {f"${formula}$": sign for sign, formula in SIGNS.items() if sign != "−"} | {"$-$": "-"}
LIGATURES = re.compile("--|''|,,|[?!]`|``|<<|>>")
TOKENS = st.text(max_size=8) | st.text("\\{}$&#_%^~<>|`'\"-,?![]*@ ", max_size=8)
TOKEN = r"\\(?:text\w+|dots|[{}$&#_%])|\$[^$]*\$|\{\}|[^\\{}$&#_%^~<>|`]"


def seen(latex):
    """The text that LaTeX sets; an error where a sign stands in it that LaTeX would read in another way."""
    pieces = re.findall(TOKEN, latex, re.DOTALL)
    assert "".join(pieces) == latex
    assert not LIGATURES.search(latex.replace("{}", " "))
    return "".join(COMMANDS.get(piece, FORMULAS.get(piece, "" if piece == "{}" else piece)) for piece in pieces)


def cells(latex):
    """The rows of each table, each a list of its cells as they are written."""
    tables = re.findall(r"\\begin\{tabular\}\{@\{\}l(r*)@\{\}\}\n\\toprule\n(.*?)\\bottomrule", latex, re.DOTALL)
    for columns, body in tables:
        rows = [line.removesuffix(r" \\").split(" & ") for line in body.splitlines() if line != r"\midrule"]
        assert {len(row) for row in rows} == {len(columns) + 1}
        yield rows


def balanced(latex):
    """Whether every group and environment that opens closes."""
    bare = re.sub(r"\\[\\{}]", "", latex)
    opened = re.findall(r"\\(begin|end)\{(\w+)\}", latex)
    stack = []
    for what, environment in opened:
        if what == "begin":
            stack.append(environment)
        elif not stack or stack.pop() != environment:
            return False
    return not stack and bare.count("{") == bare.count("}") and bare.count("$") % 2 == bare.count(r"\$") % 2


def test_every_section_is_heading_sentences_and_tables(trace, told):
    parts = told(trace)
    written = to_latex(parts)
    assert written.startswith(PREAMBLE)
    assert balanced(written)
    sections = [part for part in parts if isinstance(part, Section)]
    matrices = [matrix for part in sections for matrix in part.matrices]
    tables = list(cells(written))
    assert len(tables) == len(matrices)
    for rows, matrix in zip(tables, matrices, strict=True):
        assert [seen(row[0]) for row in rows[1:]] == matrix.rows
        assert [seen(label) for label in rows[0][1:]] == matrix.columns
        numbers = [[seen(cell).replace("$-\\infty$", "−∞") for cell in row[1:]] for row in rows[1:]]
        assert [[cell.replace("-∞", "−∞") for cell in row] for row in numbers] == matrix.cells
    headings = re.findall(r"^\\((?:sub)*section|paragraph)\*\{", written, re.MULTILINE)
    assert len(headings) == len(parts)


@given(tokens=st.lists(TOKENS, min_size=1, max_size=3))
@settings(deadline=None, max_examples=20)
def test_labels_come_back_as_they_were_shown(tokens):
    labels = [name(token) for token in tokens]
    written = to_latex(
        [Section("A", "", [], [Matrix("", labels, ["0"], [["1"]] * len(labels), [[None]] * len(labels))])]
    )
    [[_, *rows]] = cells(written)
    assert [seen(row[0]) for row in rows] == [without_math(label) for label in labels]
    assert [row[0][:1] for row in rows if row[0][:1] in ("[", "*")] == []  # after \\ it would be a length
    assert balanced(written)


def without_math(label):
    """A minus sign comes back as the hyphen that a formula sets as one."""
    return label.replace("−", "-")


def test_a_token_in_a_sentence_is_typewriter_text():
    written = to_latex([Section("A", "", ["`a_b` looks at `{`."], [])])
    assert r"\texttt{a\_b} looks at \texttt{\{}." in written


@pytest.mark.parametrize(
    ("ours", "latex"),
    [
        ("softmax(QKᵀ/√d_k)", r"softmax(QK$^{T}$/$\sqrt{d_{k}}$)"),
        ("0.93 / √3 = 0.5", r"0.93 / $\sqrt{3}$ = 0.5"),
        ("X W_Q", r"X $W_{Q}$"),
        ("e^-0.5 and e^x", r"$e^{-0.5}$ and $e^{x}$"),
        ("(-1.1)", r"($-$1.1)"),
        ("--model tiny", r"-{}-model tiny"),
        ("cells −∞", r"cells $-$$\infty$"),
        ("head_by_head", r"head\_by\_head"),
    ],
)
def test_what_is_a_formula_is_set_as_one(ours, latex):
    assert latex in to_latex([Section("A", "", [ours], [])])
    assert latex in to_latex([Heading(2, ours)])


def test_arithmetic_keeps_its_lines(told, traces):
    parts = told(traces["causal"](), query="@1", key="@0")
    written = to_latex(parts)
    body = re.search(r"\\begin\{flushleft\}\n(.*?)\n\\end\{flushleft\}", written, re.DOTALL)[1].split("\\\\\n")
    assert len(body) == len(parts[-1].lines)
    assert [line.startswith(r"\quad ") for line in body] == [line.startswith(" ") for line in parts[-1].lines]
    assert balanced(written)


@pytest.mark.parametrize("planted", [r"\begin{center}", r"\textbf{a", "$", "\\end{tabular}"])
def test_what_is_not_closed_is_found(told, traces, planted):
    written = to_latex(told(traces["plain"]()))
    assert balanced(written)
    assert not balanced(written + planted)


@pytest.mark.parametrize("planted", ["50 % of", "a_b", "a--b", "``", r"\LaTeX", "a^b"])
def test_a_sign_that_is_not_escaped_is_found(planted):
    with pytest.raises(AssertionError):
        seen(planted)
