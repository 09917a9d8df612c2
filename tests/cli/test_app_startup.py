"""What a command imports: nothing that it does not use. Measured in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy
import pytest
from array_files import SAMPLES
from command_line import surroundings

NUMBERS = {"numpy", "torch", "matplotlib"}
HEAVY = {"torch", "matplotlib", "array_api_compat", "pydantic", "PIL", "click", "scipy", "pandas"}

MODULES_OF = """
import io, json, sys
{planted}
from attnviz.cli.app import main
content = sys.stdin.buffer.read()
for arguments in json.loads(sys.argv[1]):
    sys.stdin = io.TextIOWrapper(io.BytesIO(content))
    code = main(arguments)
    print(json.dumps([code, *sys.modules]), file=sys.stderr)
"""


def modules_of(*arguments: str, stdin: bytes = b"", planted: str = "") -> set[str]:
    """The modules that a run of attnviz has imported, their parents alone; ``planted`` is a line that runs before."""
    [modules] = modules_after(arguments, stdin=stdin, planted=planted)
    return modules


def modules_after(*runs: tuple[str, ...], stdin: bytes = b"", planted: str = "") -> list[set[str]]:
    """Those that one process has imported after each of its ``runs``: what a run imports is there ever after."""
    run = subprocess.run(
        [sys.executable, "-c", MODULES_OF.format(planted=planted), json.dumps(runs)],
        input=stdin,
        capture_output=True,
        env=surroundings(),
        check=True,
        timeout=60,
    )
    told = [json.loads(line) for line in run.stderr.decode().splitlines() if line.startswith("[")]
    assert [code for code, *_ in told] == [0] * len(runs)
    return [{module.partition(".")[0] for module in modules} for _, *modules in told]


HELPS = (
    ("--help",),
    ("explain", "--help"),
    ("heatmap", "--help"),
    ("html", "--help"),
    ("manual", "--help"),
    ("diagnose", "--help"),
    ("diff", "--help"),
    ("manual", "toy"),
    ("learn",),
    ("--version",),
    (),
)
PLAIN = (
    ("explain", "Your journey starts"),
    ("explain", "Không có việc gì khó", "--heads", "2", "--causal", "--position", "alibi", "--lang", "vi"),
    ("explain", "a b", "--query", "0", "--key", "1"),
    ("explain", "a b", "--format", "json"),
    ("explain", "a b", "--format", "csv"),
    ("explain", "a b", "--format", "markdown"),
    ("explain", "a b", "-o", "a.safetensors"),
    ("explain", "--lines", "--format", "json"),
    ("explain", "a b", "--backend", "numpy", "--dtype", "float32"),
    ("heatmap", "a b", "--format", "term"),
    ("html", "a b", "--heads", "2", "-o", "-"),
    ("learn", "8"),
)


def test_help_imports_no_numbers():
    for arguments, modules in zip(HELPS, modules_after(*HELPS), strict=True):
        assert modules.isdisjoint(NUMBERS | HEAVY), arguments
        assert "typer" in modules


@pytest.mark.parametrize("heavy", ["numpy", "matplotlib.colors", "PIL.Image"])
@pytest.mark.some(2)
def test_a_planted_import_is_seen(heavy):
    found = modules_of("--help", planted=f"import {heavy}") & (NUMBERS | HEAVY)
    assert heavy.partition(".")[0] in found


def test_explain_imports_neither_torch_nor_matplotlib():
    for arguments, modules in zip(PLAIN, modules_after(*PLAIN, stdin=b"a line\n"), strict=True):
        assert modules.isdisjoint(HEAVY), arguments
        assert "numpy" in modules


@pytest.mark.parametrize("suffix", ["json", "npz", "safetensors"])
@pytest.mark.some(2)
def test_explain_of_arrays_imports_neither_torch_nor_matplotlib(folder, suffix):
    from safetensors.numpy import save_file

    arrays = dict.fromkeys(("query", "key", "value"), numpy.eye(2))
    (folder / "arrays.json").write_text(json.dumps({name: array.tolist() for name, array in arrays.items()}))
    numpy.savez(folder / "arrays.npz", **arrays)
    save_file(arrays, folder / "arrays.safetensors")
    assert modules_of("explain", "--from", f"arrays.{suffix}").isdisjoint(HEAVY)


def test_the_tiny_model_writes_without_torch():
    modules = modules_of("generate", "the queen met the actor . she", "--tokens", "4", "--model", "tiny")
    assert modules.isdisjoint(HEAVY | {"transformers", "huggingface_hub"})
    assert "numpy" in modules


def test_diagnose_imports_neither_torch_nor_matplotlib():
    modules = modules_of("diagnose", str(SAMPLES / "cached.npz"))
    assert modules.isdisjoint(HEAVY)
    assert "numpy" in modules


def test_heatmap_imports_no_torch():
    modules = modules_of("heatmap", "a b", "-o", "a.png")
    assert modules.isdisjoint({"torch", "array_api_compat", "click"})
    assert "matplotlib" in modules


def test_the_package_alone_imports_nothing_heavy():
    code = "import sys, attnviz; print(' '.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, env=surroundings(), check=True)
    assert set(run.stdout.decode().split()).isdisjoint(NUMBERS | HEAVY | {"typer", "rich"})


def test_the_command_line_runs_many_times_in_one_process():
    code = (
        "from attnviz.cli.app import main; print([main([*words]) for words in 3 * [['--version'], ['explain', 'a']]])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, env=surroundings(), check=False)
    assert run.stdout.decode().splitlines()[-1:] == ["[0, 0, 0, 0, 0, 0]"]
