"""What is said once is found once: each rule below stands in the places that are listed, with the reason, and nowhere else."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pytest
from package_sources import module_sources, nodes

ORDER = ast.Lt | ast.LtE | ast.Gt | ast.GtE


def compares_with_a_window(node: ast.AST) -> bool:
    """An order or a sum of a window and something else: how far a query sees."""
    if isinstance(node, ast.Compare):
        return any(isinstance(one, ORDER) for one in node.ops) and any(map(_is_window, (node.left, *node.comparators)))
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Add | ast.Sub)
        and any(map(_is_window, (node.left, node.right)))
    )


def _is_window(node: ast.AST) -> bool:
    return (isinstance(node, ast.Name) and node.id == "window") or (
        isinstance(node, ast.Attribute) and node.attr == "window"
    )


LOW = -1000.0  # older code hides with −10⁴, −10⁹ or the lowest number of a type; no weight in a bias lies so low


def decides_what_a_bias_hides(node: ast.AST) -> bool:
    """The lowest number of a type, or a comparison with a number so low, or with ``GONE``, how low a bias hides a cell."""
    if isinstance(node, ast.Attribute) and node.attr == "min":
        return isinstance(node.value, ast.Call) and ast.unparse(node.value.func).rpartition(".")[2] in (
            "finfo",
            "iinfo",
        )
    return isinstance(node, ast.Compare) and any(map(_is_low, (node.left, *node.comparators)))


def _is_low(side: ast.AST) -> bool:
    for node in ast.walk(side):
        if getattr(node, "id", getattr(node, "attr", "")) == "GONE":
            return True
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and LOW >= -_size(node.operand) > -math.inf:
            return True
    return False


def _size(node: ast.AST) -> float:
    """A number that is written out, as 1e4, 10**9 or 2**15; 0 for all else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        return _size(node.left) ** _size(node.right)
    return 0.0


def goes_through_all_heads(node: ast.AST) -> bool:
    """A loop over range(layer.heads), or the outputs of all heads put together for W_O."""
    if isinstance(node, ast.For | ast.comprehension):
        return any(map(_counts_heads, ast.walk(node.iter)))
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "concat"
        and ast.unparse(node.func.value).rpartition(".")[2] == "layer"
    )


def _counts_heads(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and ast.unparse(node.func) == "range"
        and any(isinstance(one, ast.Attribute) and one.attr == "heads" for one in node.args)
    )


def limits_threads(node: ast.AST) -> bool:
    """A call or an import that changes how many threads a library uses."""
    if isinstance(node, ast.ImportFrom | ast.Import):
        names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
        return any(name.partition(".")[0] == "threadpoolctl" for name in names)
    return isinstance(node, ast.Attribute) and node.attr in ("set_num_threads", "set_num_interop_threads")


def splits_at_commas(node: ast.AST) -> bool:
    """text.split(","): "0,4-7" and "scores,weights"."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("split", "partition", "rsplit")
        and any(isinstance(argument, ast.Constant) and argument.value in (",", ", ") for argument in node.args)
    )


def exponentiates(node: ast.AST) -> bool:
    """A call of exp: the softmax."""
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("exp", "exp2")


def writes_to_standard_output(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "stdout" and ast.unparse(node) == "sys.stdout"


PRIVATE_NAMES = ("_attn_implementation", "_attn_implementation_internal", "_model_mapping", "eager_attention_forward")


def names_what_transformers_keeps_private(node: ast.AST) -> bool:
    """An attribute of transformers that no documentation promises, by its name or in a string."""
    return (isinstance(node, ast.Attribute) and node.attr in PRIVATE_NAMES) or (
        isinstance(node, ast.Constant) and node.value in PRIVATE_NAMES
    )


def refuses_a_shape(node: ast.AST) -> bool:
    """The words in which query, key and value that do not fit together are refused."""
    words = (
        "they come in pairs",
        "a dot product needs the same",
        "query heads cannot be shared",
        "which does not fit the scores",
    )
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and any(one in node.value for one in words)


def has_a_number_as_default(node: ast.AST) -> bool:
    """An option whose default is written out, though the function that does the work needs the same."""
    return (
        isinstance(node, ast.AnnAssign)
        and "typer.Option" in ast.unparse(node.annotation)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, int | float)
        and not isinstance(node.value.value, bool)
    )


@dataclass(frozen=True)
class Rule:
    """What is said once: how it is recognized, the modules that may say it and why, and a line (or several) that says it."""

    says: Callable[[ast.AST], bool]
    places: Mapping[str, str]
    planted: str
    also_planted: tuple[str, ...] = ()


ONCE = {
    "what a bias hides": Rule(
        decides_what_a_bias_hides,
        {
            "attnviz.attention.visibility": "decides it",
            "attnviz.attention.checks": "keeps a finite bias finite in a narrower type, whose −∞ would hide",
            "attnviz.sources.recording.rule_from_mask": "which cells of a model's mask are no bias but hidden",
            "attnviz.sources.huggingface.native_attention": "compares nothing: writes the mask that a model's own code expects",
        },
        "hidden = bias < -1e4",
        ("hidden = bias <= xp.finfo(bias.dtype).min / 2", "hidden = bias < -(10**9)", "seen = bias > peak - GONE"),
    ),
    "the loop over all heads": Rule(
        goes_through_all_heads,
        {
            "attnviz.trace.steps": "is it",
            "attnviz.trace.along": "some rows of all heads at once, of which none is shown",
            "attnviz.trace.layer": "checks weights that are there, of which nothing is computed",
            "attnviz.trace.row_sums": "adds up the rows of such weights",
            "attnviz.sources.huggingface.recorded_passes": "looks for the linear map that reads the outputs of all heads",
        },
        "for head in range(layer.heads): print(layer.steps(head).output)",
        (
            "outputs = [layer.steps(head).output for head in range(layer.heads)]",
            "joined = self.layer.concat(outputs)",
        ),
    ),
    "how far a query sees": Rule(
        compares_with_a_window,
        {
            "attnviz.attention.visibility": "decides it",
            "attnviz.attention.rule": "refuses a window below 1",
            "attnviz.sources.recording.rule_from_mask": "asks the other way round: which window gives such a mask",
            "attnviz.sources.huggingface.call_rules": "whether a window is shorter than the text, and so needs a mask",
        },
        "seen = distance < rule.window",
    ),
    "how many threads a library uses": Rule(
        limits_threads, {"attnviz.attention.threads": "decides it"}, "torch.set_num_threads(1)"
    ),
    "what a list of words is": Rule(
        splits_at_commas,
        {
            "attnviz.trace.selectors": 'numbers and ranges, "0,4-7"',
            "attnviz.choices": 'the words of choices, "scores,weights"',
            "attnviz.sources.recording.contraction": "the two operands of an einsum",
        },
        'parts = words.split(",")',
    ),
    "the softmax": Rule(
        exponentiates,
        {
            "attnviz.attention.formula": "is it",
            "attnviz.pooling.strip": "the same in blocks, tested against it",
            "attnviz.pooling.pool": "the share of a sink from the pooled measures",
            "attnviz.pooling.gpu.pool_kernel": "a kernel, tested against it",
            "attnviz.pooling.gpu.largest_key_kernel": "a kernel, tested against it",
            "attnviz.renderers.explain.arithmetic": "writes it out, number by number",
            "attnviz.analysis.diagnosis.families.merging": "divides after every tile, as the mistake does",
            "attnviz.analysis.diagnosis.families.precision": "does it without the largest of the row, as the mistake is",
            "attnviz.analysis.diagnosis.families.softmaxes": "leaves out the division, as the mistake is",
            "attnviz.analysis.diagnosis.families.tiles": "leaves out what a tile must be rescaled by, as the mistake is",
            "attnviz.renderers.course.computed.softmax": "writes it out for a reader who meets it for the first time",
        },
        "weights = xp.exp(scores)",
    ),
    "where output goes": Rule(
        writes_to_standard_output,
        {
            "attnviz.cli.output.streams": "guards it",
            "attnviz.cli.output.terminal": "asks whether it is a terminal",
            "attnviz.cli.output.files": "names a written file, unless it is closed",
            "attnviz.sources.huggingface.chat_child": "is a program of its own, whose output chat.py reads",
        },
        "sys.stdout.write('a')",
    ),
    "what transformers keeps private": Rule(
        names_what_transformers_keeps_private,
        {"attnviz.sources.huggingface.seams": "has all of it, each with a test that says what it is for"},
        "config._attn_implementation_internal = 'eager'",
    ),
    "which shapes fit together": Rule(
        refuses_a_shape,
        {"attnviz.attention.checks": "decides it, for attend(), pooling and layers"},
        "raise AttnvizError('key has 3 heads but value has 2: they come in pairs')",
    ),
    "what an option is by default": Rule(
        has_a_number_as_default, {}, "near: Annotated[int, typer.Option('--near')] = 8"
    ),
}


def said(rule: Rule, sources: Mapping[str, str]) -> Iterator[str]:
    """The modules that say it."""
    for module, source in sources.items():
        if any(rule.says(node) for node in nodes(source)):
            yield module


@pytest.mark.parametrize("name", ONCE)
def test_it_is_said_in_its_places_alone(name):
    """Neither anywhere else, nor is a place listed that says it no more."""
    assert sorted(said(ONCE[name], module_sources())) == sorted(ONCE[name].places)


@pytest.mark.parametrize(
    ("name", "line"), [(name, line) for name, rule in ONCE.items() for line in (rule.planted, *rule.also_planted)]
)
def test_a_planted_repetition_is_found(name, line):
    planted = {"attnviz.errors": f"{module_sources()['attnviz.errors']}\n{line}\n"}  # each module is asked by itself
    assert set(said(ONCE[name], planted)) - ONCE[name].places.keys() == {"attnviz.errors"}


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("what a bias hides", "hidden = masked == -math.inf"),
        ("what a bias hides", "lowest = xp.min(bias) < -1"),
        ("the loop over all heads", "for head in selected.heads: print(head)"),
        ("the loop over all heads", "joined = xp.concat(blocks)"),
    ],
)
def test_what_only_looks_like_it_is_no_repetition(name, line):
    assert not list(said(ONCE[name], {"attnviz.errors": line}))
