"""The README is an interface: its commands run, what it shows is what comes out, and it names every option.

A command that needs no shell runs inside this process. As a program of its own each command runs with its help's example.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from attnviz.cli.app import build, main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, flags=re.DOTALL)
COMMANDS = [
    line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines() if not line.startswith("pip ")
]
GROUP = build()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder to run in, with the samples; shared, since later commands read what earlier ones wrote."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "samples").symlink_to(ROOT / "samples")
    return folder


def in_a_shell(command: str, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.fixture
def here(folder, capsys, monkeypatch):
    """here(command) → its output, run inside this process."""
    monkeypatch.chdir(folder)

    def run(command: str) -> str:
        program, *arguments = shlex.split(command)
        assert program == "attnviz"
        assert main(arguments) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    return run


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_runs(command, folder, here, model_folder):
    if "jq" in command and not shutil.which("jq"):
        pytest.skip("jq is not installed here; CI installs it")
    meant = command.replace("DIR_OR_ID", shlex.quote(str(model_folder)))
    output = in_a_shell(meant, folder) if re.search("[|>]", command) else here(meant)
    written = re.findall(r"(?:-o|>) (\S+)", command)
    for name in written:
        assert name == "-" or (folder / name).stat().st_size > 0
    assert output or written


def test_the_counts_of_the_sample_sentences(folder):
    if not shutil.which("jq"):
        pytest.skip("jq is not installed here; CI installs it")
    command = next(command for command in COMMANDS if "jq -r '.tokens | length'" in command)
    lines = (ROOT / "samples" / "sentences.txt").read_text(encoding="utf-8").splitlines()
    assert len(in_a_shell(command, folder).split()) == len(lines)


def test_the_arithmetic_that_is_shown_is_what_comes_out(here):
    shown = next(block for kind, block in BLOCKS if kind == "text" and block.startswith("Score"))
    assert shown in here('attnviz explain "Your journey starts" --query journey --key starts')


def test_the_python_example_runs(folder):
    [code] = [block for kind, block in BLOCKS if kind == "python"]
    in_a_shell(f"python -c {shlex.quote(code)}", folder)


@pytest.mark.parametrize("name", GROUP.commands)
def test_every_option_is_named(name):
    options = [
        option for parameter in GROUP.commands[name].params for option in parameter.opts if option.startswith("--")
    ]
    assert [option for option in options if not re.search(rf"{option}\b", README) and option != "--output"] == []


@pytest.mark.parametrize("name", GROUP.commands)
def test_every_help_text_ends_with_an_example_that_runs(name, folder, model_folder):
    example = GROUP.commands[name].help.strip().splitlines()[-1]
    assert example.startswith("Example: attnviz ")
    meant = example.removeprefix("Example: ").replace("DIR_OR_ID", shlex.quote(str(model_folder)))
    in_a_shell(meant, folder)


def test_the_lengths_from_which_maps_are_pooled():
    from attnviz.renderers.heatmap import picture
    from attnviz.renderers.page.limits import USUAL

    assert (
        f"from {picture.MOST_CELLS + 1:,} tokens on (from {picture.MOST_CELLS_OF_SEVERAL + 1:,} with several heads"
        in README
    )
    assert picture.MOST_CELLS <= picture.SIDE * picture.DPI
    assert picture.MOST_CELLS_OF_SEVERAL <= picture.SIDE_OF_SEVERAL * picture.DPI
    assert f"more than {USUAL.tokens:,} tokens the page" in README


def test_the_pictures_are_there_and_small():
    for name in re.findall(r"!\[[^]]*\]\(([^)]+)\)", README):
        assert 0 < (ROOT / name).stat().st_size < 100_000


def test_the_versions_agree():
    import attnviz

    assert f"## {attnviz.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
