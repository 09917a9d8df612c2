"""The script that holds each file to its own tests finds the file that has too few."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import own_coverage
import pytest
from own_coverage import Measured, faults, own_tests, ranges, report, table

import attnviz

PACKAGE = Path(attnviz.__file__).parent
TESTS = Path(__file__).parent

# A package of a few files, one of which its own tests run half.
PLANTED = {
    "pyproject.toml": "[tool.coverage.report]\n",
    "attnviz/__init__.py": "",
    "attnviz/whole.py": "def answer():\n    return 42\n",
    "attnviz/half.py": "def one():\n    return 1\n\n\ndef two():\n    a = 2\n    return a\n",
    "attnviz/alone.py": "def three():\n    return 3\n",
    "attnviz/plain.py": "ANSWER = 42\n",
    "tests/test_whole.py": "from attnviz.alone import three\nfrom attnviz.whole import answer\n\n\ndef test_it():\n    assert answer() == 42\n    assert three() == 3\n\n\ndef test_later():\n    assert answer() == 0\n",
    "attnviz/failing.py": "def four():\n    return 4\n",
    "tests/test_failing.py": "from attnviz.failing import four\n\n\ndef test_it():\n    assert four() == 5\n",
    "tests/test_half.py": "from attnviz.half import one\n\n\ndef test_nothing():\n    pass\n\n\ndef test_it():\n    assert one() == 1\n",
}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """What the script says of the planted package."""
    root = tmp_path_factory.mktemp("planted")
    script = "tests/support/own_coverage.py"
    for name, source in (PLANTED | {script: Path(own_coverage.__file__).read_text(encoding="utf-8")}).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
    environment = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # they take longer than these tests
    return subprocess.run(
        [sys.executable, root / script], capture_output=True, text=True, check=False, timeout=300, env=environment
    )


def test_a_file_that_its_own_tests_do_not_run_is_found(run):
    """whole.py's test runs alone.py, which does not count; plain.py has no function."""
    assert run.returncode == 1, run.stderr
    wrong = [line.split(":")[1].strip() for line in run.stdout.splitlines() if line.startswith("wrong: ")]
    assert sorted(wrong) == ["alone.py", "failing.py", "half.py"]
    assert " 60.0 %    2 of   5 missing  half.py" in run.stdout
    assert "4 files, 11 lines, 7 or more run by their own tests" in run.stdout


def test_tests_are_run_until_enough_lines_have_run(run):
    """The second test of whole.py, which fails, adds none; that of half.py adds its only one."""
    assert "whole.py: its tests fail" not in run.stdout
    assert " missing  half.py" in run.stdout
    assert " 60.0 %" in run.stdout


def test_tests_that_fail_are_a_fault_and_shown(run):
    assert "wrong: failing.py: its tests fail" in run.stdout
    assert "assert four() == 5" in run.stderr


def test_a_file_that_is_named_is_shown_with_its_missing_lines():
    shown = report([Measured("a.py", 5, [2, 3], ["tests/test_a.py"])], named=True)
    assert shown.startswith("a.py: 60.0 %, without 2-3  (tests/test_a.py)\n")


@pytest.mark.parametrize(
    ("missing", "code", "exceptions", "wrong"),
    [
        (4, 0, {}, []),
        (5, 0, {}, []),
        (6, 0, {}, ["a.py: 94 % of 100 lines, 6 are missing"]),
        (6, 0, {"a.py": "a reason"}, []),
        (5, 0, {"a.py": "a reason"}, ["a.py: is covered, and needs no exception"]),
        (0, 1, {"a.py": "a reason"}, ["a.py: its tests fail"]),
    ],
)
def test_what_is_a_fault(missing, code, exceptions, wrong):
    assert faults([Measured("a.py", 100, list(range(missing)), code=code)], exceptions) == wrong


def test_own_tests_are_those_of_the_same_name(tmp_path):
    for name in ("test_b.py", "test_b_one.py", "test_b_two.py", "test_b_two_more.py", "test_bc.py", "b/test_d.py"):
        path = tmp_path / "a" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    files = ["a/b.py", "a/b_two.py", "a/bc.py", "c/b_one.py", "a/b/__init__.py"]

    def names(file):
        return [str(test.relative_to(tmp_path / "a")) for test in own_tests(file, tmp_path, files)]

    assert names("a/b.py") == ["test_b.py", "test_b_one.py", "b/test_d.py"]
    assert names("a/b_two.py") == ["test_b_two.py", "test_b_two_more.py"]
    assert names("a/bc.py") == ["test_bc.py"]
    assert names("a/b/__init__.py") == ["test_b.py", "test_b_one.py"]
    assert names("a/nothing.py") == []


def test_the_worst_come_first():
    found = [Measured("a.py", 4, [1]), Measured("b.py", 4, [1, 2, 3], ["tests/test_b.py"]), Measured("c.py", 4)]
    assert table(found) == [
        " 25.0 %    3 of   4 missing  b.py",
        " 75.0 %    1 of   4 missing  a.py  (no tests of its own)",
    ]


def test_lines_are_named_in_ranges():
    assert ranges([3, 5, 6, 7, 9]) == "3, 5-7, 9"
    assert ranges([]) == ""


def test_every_exception_is_a_file_and_says_why():
    for file, reason in own_coverage.EXCEPTIONS.items():
        assert (PACKAGE / file).exists(), file
        assert len(reason) > 20


# What is no file of Python, or several together: the folder or the beginning of a name, and what is tested there.
OTHERS = {
    "foreign/": "other libraries' attention beside attend()",
    "fuzz/": "the targets of the fuzzing",
    "looks/": "every look beside every other",
    "manual/": "the README and the manual",
    "renderers/page/test_script_": "the page's scripts, in a browser",
    "pooling/gpu/test_kernels_": "both kernels, compiled and interpreted",
    "text/test_vietnamese.py": "the Vietnamese of every file of words",
    "test_guards_": "the house",
    "test_floors.py": "the house",
    "test_python_equals_": "each command beside the call that does the same",
    "test_samples.py": "the samples",
    "sources/huggingface/test_words_real.py": "words of models that somebody trained",
    "test_readme.py": "the README",
    "test_contributing.py": "CONTRIBUTING.md",
}


def strays(tests: Path, files: list[str]) -> list[str]:
    """The test files that mirror no file of the package, and so count for none."""
    owned = {test for file in files for test in own_tests(file, tests, files)}
    inside = (path.relative_to(tests).as_posix() for path in tests.rglob("test_*.py") if path not in owned)
    return sorted(name for name in inside if not name.startswith(tuple(OTHERS)))


def test_every_test_file_mirrors_a_file_of_the_package():
    assert strays(TESTS, [str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py")]) == []


def test_a_planted_test_file_that_mirrors_nothing_is_found(tmp_path):
    for name in ("a/test_b.py", "a/test_c.py", "looks/test_all.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert strays(tmp_path, ["a/b.py"]) == ["a/test_c.py"]
