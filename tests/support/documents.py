"""Documents as interfaces: their commands run, what they show is what comes out, and they name what there is.

In a document, a block of ``sh`` holds commands, one a line. A block of ``console`` holds commands after "$ ", each with
what it prints; a line that is only "…" stands for any lines. Each block of ``python`` is a program of its own. All that
a document says runs in one folder, so that later commands read what earlier ones wrote.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from adapters import saved_adapter
from command_line import attnviz, surroundings

ROOT = Path(__file__).parents[2]
MANUAL = ROOT / "attnviz" / "manual"
README = ROOT / "README.md"
VIETNAMESE_README = ROOT / ".github" / "README.vi.md"
DOCUMENTS = (README, *sorted(MANUAL.glob("*.md")), VIETNAMESE_README)

BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
SHELL = re.compile(r"[|><;&]")  # a command with one of these needs a shell; others run inside this process
WRITTEN = re.compile(r"(?:-o|>) (\S+)")
# What a reader does once, before any command of attnviz: CI does it in .ci/run.
SETTING_UP = re.compile(r"git clone .*|pip install .*?(?: && (?=attnviz)|$)|pytest.*")
ILLUSTRATIONS = {"text", "json"}  # blocks of these hold neither commands nor output of one


class Block(NamedTuple):
    """A fenced block: its language, its text, and the line on which that begins."""

    kind: str
    text: str
    line: int


class Command(NamedTuple):
    """A command as a person types it, and what the document says that it prints (None: it does not say)."""

    text: str
    shown: str | None
    line: int


# A command whose model looks at an image, alone or (--image) beside a text.
SEEING = re.compile(r"--(image|file|on-image) \S+\.png(?=.*DIR_OR_ID)")


@cache
def seeing_folder(kind: str) -> Path:
    """A folder with a tiny model that looks at images, "vit", or reads them with a text, "llava"."""
    from seeing_models import llava, vit  # not for documents that need no torch

    return Path((llava if kind == "llava" else vit)(tempfile.mkdtemp(prefix=f"attnviz-{kind}-")))


def blocks(markdown: str) -> list[Block]:
    return [
        Block(found[2], _dedented(found[3], len(found[1])), markdown.count("\n", 0, found.start(3)) + 1)
        for found in BLOCK.finditer(markdown)
    ]


def commands(markdown: str) -> list[Command]:
    """Every command of the blocks of ``sh`` and ``console``, in order, without what sets attnviz up."""
    return [
        command._replace(text=text)
        for block in blocks(markdown)
        for command in _commands_of(block)
        if (text := SETTING_UP.sub("", command.text))
    ]


def problems(markdown: str, folder: Path, model: Path) -> list[str]:
    """Run all that ``markdown`` says can be run, in ``folder``; what is wrong with it, a line each."""
    (folder / "samples").symlink_to(ROOT / "samples")
    found = [f"line {block.line}: {problem}" for block in blocks(markdown) for problem in _unclear(block)]
    with contextlib.chdir(folder), patch.dict(os.environ, surroundings(), clear=True):
        for command in commands(markdown):
            found += [f"line {command.line}: {command.text}: {problem}" for problem in _run(command, model)]
        for block in blocks(markdown):
            if block.kind == "python":
                found += [f"line {block.line}: {problem}" for problem in _run_program(block.text)]
    return found


def unnamed_options(group: Any, name: str, text: str) -> list[str]:
    """The options of the command ``name`` that ``text`` does not name."""
    options = [option for parameter in group.commands[name].params for option in parameter.opts]
    return [option for option in options if option.startswith("--") and not re.search(rf"(?<![\w-]){option}\b", text)]


def unnamed_values(choices: Iterable[type[Enum]], text: str) -> list[str]:
    """The words that can be chosen but that ``text`` names nowhere as code."""
    named = {word for code in re.findall(r"`([^`\n]+)`", text) for word in re.split(r"[ ,|]", code)}
    return sorted({str(member.value) for choice in choices for member in choice} - named)


def topics_at_odds(topics: Iterable[str], files: Iterable[str], linked: str) -> set[str]:
    """The topics of the manual that have no file or no link in the text ``linked``, and files and links that are no topic."""
    links = set(re.findall(r"\]\(attnviz/manual/([\w-]+)\.md\)", linked))
    return (set(topics) ^ set(files)) | (set(topics) ^ links)


def wrong_links(topics: Iterable[str], text: str) -> list[str]:
    """The links in a page of the manual that do not lead to the topic that they name: [`attnviz manual X`](X.md)."""
    known = {f"[`attnviz manual {topic}`]({topic}.md)" for topic in topics}
    return [link for link in re.findall(r"\[[^\]\n]*\]\([^)\n]*\)", text) if link not in known]


def unknown_words(group: Any, text: str) -> list[str]:
    """The commands and options that stand in ``text`` as code but do not exist."""
    known = {
        option
        for one in (group, *group.commands.values())
        for parameter in one.params
        for option in _spellings(parameter)
    }
    known |= {"--help", "-h"}
    found = []
    for code in re.findall(r"`([^`\n]+)`", text):
        words = code.split()
        if words[0] == "attnviz" and len(words) > 1 and words[1].isidentifier() and words[1].islower():
            found += [f"attnviz {words[1]}"] if words[1] not in group.commands else []
        if words[0] == "attnviz" or words[0].startswith("-"):
            found += [word for word in words if re.fullmatch(r"--[a-z][a-z-]*|-[a-z]", word) and word not in known]
    return found


def _spellings(parameter: Any) -> Sequence[str]:
    return (*parameter.opts, *parameter.secondary_opts)


def _dedented(text: str, indent: int) -> str:
    return re.sub(rf"^ {{{indent}}}", "", text, flags=re.MULTILINE)


def _commands_of(block: Block) -> Iterator[Command]:
    if block.kind == "sh":
        for number, line in enumerate(block.text.splitlines()):
            if line and not line.startswith("#"):
                yield Command(line, None, block.line + number)
    elif block.kind == "console":
        for piece in re.finditer(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE):
            yield Command(piece[1], piece[2], block.line + block.text.count("\n", 0, piece.start()))


def _unclear(block: Block) -> Iterator[str]:
    """A block that is run by nobody must not look as though it had been."""
    if block.kind not in {"sh", "console", "python", *ILLUSTRATIONS}:
        yield f"a block of {block.kind or 'no language'}: neither run nor an illustration"
    if block.kind in ILLUSTRATIONS and re.search(r"^\$ |^attnviz ", block.text, re.MULTILINE):
        yield f"a command in a block of {block.kind}, which is not run"


def _run(command: Command, model: Path) -> Iterator[str]:
    if (seeing := SEEING.search(command.text)) is not None:
        model = seeing_folder("llava" if seeing[1] == "image" else "vit")
    meant = command.text.replace("DIR_OR_ID", shlex.quote(str(model)))
    if "ADAPTER_DIR" in meant:
        meant = meant.replace("ADAPTER_DIR", shlex.quote(str(saved_adapter(model.parent / "lora"))))
    if "jq" in meant and not shutil.which("jq"):
        return  # CI installs it
    code, stdout, stderr = _in_a_shell(meant) if SHELL.search(_unquoted(meant)) else _in_this_process(meant)
    written = [name for name in WRITTEN.findall(command.text) if name != "-"]
    if code != 0 or "Traceback" in stderr:
        yield f"exit code {code}: {stderr.strip()}"
    elif not (stdout or written):
        yield "it prints nothing and writes nothing"
    else:
        yield from (f"{name} is not there or is empty" for name in written if not _has_content(name))
        if command.shown is not None and not re.fullmatch(_pattern(command.shown), stdout):
            yield f"it is said to print\n{command.shown}but prints\n{stdout}"


def _unquoted(command: str) -> str:
    return re.sub(r"'[^']*'|\"[^\"]*\"", "", command)


def _has_content(name: str) -> bool:
    path = Path(name)
    return any(path.iterdir()) if path.is_dir() else path.is_file() and path.stat().st_size > 0


def _in_this_process(command: str) -> tuple[int, str, str]:
    program, *arguments = shlex.split(command)
    if program != "attnviz":
        return 127, "", f"{program} is not attnviz: let it run in a shell"
    result = attnviz(*arguments)
    return result.code, result.text, result.stderr


def _in_a_shell(command: str) -> tuple[int, str, str]:
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        env=surroundings(PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}"),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def _run_program(code: str) -> Iterator[str]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=surroundings(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode:
        yield done.stderr.strip().splitlines()[-1]


def _pattern(shown: str) -> str:
    """A regular expression for output as a document shows it: "…" alone on a line is any lines."""
    lines = ["(?:.*\n)*?" if line.strip() == "…" else f"{re.escape(line.rstrip())} *\n" for line in shown.splitlines()]
    return "".join(lines)
