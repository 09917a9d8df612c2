"""The list of what differs holds nothing that no suite meets, and the suites find an attend() that differs in something else."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
from foreign_suites import DIFFERENCES, Suite, library

import attnviz.attention.formula
from attnviz.attention.visibility import Visibility


def test_each_difference_is_met_and_each_that_is_met_is_listed():
    """By the words of the suites; that each comes up when it runs, the suite itself says (``Suite.require``)."""
    met = set()
    for path in set(Path(__file__).parent.glob("test_*.py")) - {Path(__file__)}:
        text = path.read_text(encoding="utf-8")
        libraries = {of or name for name, of in re.findall(r'Suite\("([^"]+)"(?:, "([^"]+)")?\)', text)}
        met |= {f"{name}: {what}" for name in libraries for what in re.findall(r'differs\("([^"]+)"\)', text)}
    assert met == set(DIFFERENCES)


def test_a_difference_that_is_not_listed_or_not_met_fails():
    suite = Suite("jax")
    with pytest.raises(AssertionError):
        suite.differs("in the weather")
    suite.cases += 1
    suite.differs("a bias that hides")
    suite.require(1, "a bias that hides")
    for cases, differences in ((2, ["a bias that hides"]), (1, []), (1, ["a bias that hides", "lengths of its own"])):
        with pytest.raises(AssertionError):
            suite.require(cases, *differences)


def test_a_library_that_is_missing_fails_its_test():
    with pytest.raises(pytest.fail.Exception, match=r"pip install -e '\.\[dev,foreign\]'"):
        library("attnviz_has_no_such_library")


def off_by_one(self: Visibility, query: object) -> object:
    """A window that begins one key too early."""
    return query + (self.offset - int(self.before)) - 1 if self.before < math.inf else 0 * query


FAULTS = {
    "a window one too long": (Visibility, "first", off_by_one),
    "a sum of weights that is not 1": (
        attnviz.attention.formula,
        "softmax",
        lambda *arguments, softmax=attnviz.attention.formula.softmax: softmax(*arguments) * 1.0001,
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_by_onnxs_cases(monkeypatch, fault):
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("onnx_cases", Path(__file__).with_name("test_onnx.py"))
    suite = module_from_spec(spec)
    spec.loader.exec_module(suite)
    monkeypatch.setattr(*FAULTS[fault])
    with pytest.raises(AssertionError):
        suite.test_every_node_case_of_onnx()
