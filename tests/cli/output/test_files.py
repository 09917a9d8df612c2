"""Where results go: stdout, files that are whole or not at all, devices, pipes that close, interruptions."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import (
    PROGRAM,
    attnviz,
    done,
    ended_by,
    fed,
    in_terminal,
    onto,
    problem,
    program,
    started,
    surroundings,
)
from made_roles import made_role, made_roles
from matplotlib import font_manager

from attnviz import trace_model, trace_text
from attnviz.cli.output.files import deliver, drawn, drawn_roles, name_file, save_trace, trace_file
from attnviz.cli.output.formats import SUFFIXES
from attnviz.errors import UsageError
from attnviz.renderers.heatmap.figure import draw
from attnviz.renderers.heatmap.picture import decide
from attnviz.renderers.roles.picture import decide as decide_roles
from attnviz.text.lessons import lessons
from attnviz.trace.roles import Example
from attnviz.trace.selection import select

PNG, PDF = b"\x89PNG\r\n\x1a\n", b"%PDF-"
FULL = "/dev/full"
needs_full = pytest.mark.skipif(not os.path.exists(FULL), reason="this system has no /dev/full")

STARTS = {
    ("explain", ".txt"): b"a b\n",
    ("explain", ".json"): b'{"attnviz":1,',
    ("explain", ".jsonl"): b'{"attnviz":1,',
    ("explain", ".csv"): b"layer,head,",
    ("explain", ".md"): b"# a b\n",
    ("heatmap", ".png"): PNG,
    ("heatmap", ".svg"): b"<?xml",
    ("heatmap", ".pdf"): PDF,
}


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


# Results and notices


def test_results_go_to_stdout_and_notices_to_stderr():
    result = program("explain", "--format", "json")
    assert len(json.loads(result.stdout)["tokens"]) == 6
    assert all(line.startswith("attnviz: ") for line in result.stderr.splitlines())


def test_heatmap_writes_attention_png_and_prints_its_path(folder):
    assert done("heatmap", "a b").stdout == b"attention.png\n"
    assert (folder / "attention.png").read_bytes().startswith(PNG)


@pytest.mark.parametrize(("form", "start"), [("png", PNG), ("svg", b"<?xml"), ("pdf", PDF)])
@pytest.mark.some(2)
def test_the_picture_of_roles_is_drawn_and_a_missing_font_is_told_where_it_shows(form, start, capsys, monkeypatch):
    fonts = font_manager.fontManager
    monkeypatch.setattr(fonts, "ttflist", [one for one in fonts.ttflist if one.name == "DejaVu Sans"])
    for answer, told in (("c", False), ("日", form != "svg")):
        found = made_roles(made_role(example=Example(("a", "b"), 0, answer, (0.5, 0.5))))
        assert drawn_roles(decide_roles(found, lessons()), form).startswith(start)
        assert ("no font on this machine has 日" in capsys.readouterr().err) == told


@pytest.mark.parametrize("form", ["svg", "pdf"])
def test_the_file_of_heatmap_is_named_after_its_format(folder, form):
    assert done("heatmap", "a b", "--format", form).text == f"attention.{form}\n"
    assert names(folder) == [f"attention.{form}"]


@pytest.mark.parametrize(("form", "start"), [(None, PNG), ("pdf", PDF)])
@pytest.mark.some(1)
def test_a_dash_writes_the_picture_to_a_pipe_and_no_file(folder, form, start):
    run = program if form is None else attnviz
    result = run("heatmap", "a b", "-o", "-", *(("--format", form) if form else ()))
    assert (result.code, result.stderr) == (0, "")
    assert result.stdout.startswith(start)
    assert names(folder) == []


def test_a_dash_is_stdout_for_explain_too():
    assert done("explain", "a", "-o", "-").stdout == done("explain", "a").stdout


# Formats


@pytest.mark.parametrize(("command", "suffix"), [*STARTS, ("explain", ".CSV"), ("heatmap", ".Png")])
@pytest.mark.some(3)
def test_the_suffix_picks_the_format(folder, command, suffix):
    path = folder / f"result{suffix}"
    result = done(command, "a b", "-o", path)
    assert path.read_bytes().startswith(STARTS[command, suffix.lower()])
    assert result.text == f"{path}\n"
    assert names(folder) == [path.name]


@pytest.mark.parametrize(
    ("command", "name", "form", "start"),
    [
        ("explain", "a.json", "csv", b"layer,"),
        ("explain", "a.png", "json", b"{"),
        ("explain", "no-suffix", "markdown", b"# "),
        ("heatmap", "a.png", "svg", b"<?xml"),
        ("heatmap", "a.txt", "term", b"Attention weights"),
        ("heatmap", "no-suffix", "pdf", PDF),
    ],
)
@pytest.mark.some(2)
def test_the_format_that_is_named_overrides_the_suffix(folder, command, name, form, start):
    done(command, "a b", "-o", name, "--format", form)
    assert (folder / name).read_bytes().startswith(start)


@pytest.mark.parametrize(
    ("command", "name"),
    [("explain", "a.png"), ("explain", "a.xyz"), ("explain", "a"), ("heatmap", "a.tiff"), ("heatmap", "a.jpg")],
)
def test_an_unknown_suffix_is_wrong_usage(folder, command, name):
    assert name in problem(attnviz(command, "text", "-o", name), 2)
    assert names(folder) == []


# Whole or not at all

FAILURES = [
    ("explain", "a b", "--head", 7, "-o", "kept.json"),
    ("explain", "a b", "--head", 7, "-o", "kept.txt"),
    ("explain", "a a", "--query", "a", "-o", "kept.csv"),
    ("explain", "--lines", "a\nb", "--query", "a", "-o", "kept.csv"),
    ("explain", "a b", "--scale", 1e308, "-o", "kept.txt"),
    ("explain", "", "-o", "kept.safetensors"),
    ("heatmap", "a b", "--cmap", "none-such", "-o", "kept.png"),
    ("heatmap", "", "-o", "kept.svg"),
]


@pytest.mark.parametrize("arguments", FAILURES)
def test_a_failed_run_keeps_the_file_that_was_there_and_leaves_no_other(folder, arguments):
    kept = folder / arguments[-1]
    kept.write_bytes(b"kept")
    problem(attnviz(*arguments), 1)
    assert kept.read_bytes() == b"kept"
    assert names(folder) == [kept.name]


@pytest.mark.parametrize("arguments", FAILURES)
def test_a_failed_run_makes_no_file(folder, arguments):
    problem(attnviz(*arguments), 1)
    assert names(folder) == []


@pytest.mark.parametrize(
    ("command", "suffix"), [("explain", ".json"), ("explain", ".safetensors"), ("heatmap", ".png")]
)
def test_a_new_file_has_the_usual_permissions_and_an_old_one_keeps_its_own(folder, command, suffix):
    path = folder / f"result{suffix}"
    umask = os.umask(0o027)
    try:
        done(command, "a", "-o", path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o604)
        done(command, "a", "-o", path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o604
    finally:
        os.umask(umask)


@pytest.mark.parametrize("suffix", [".json", ".safetensors"])
def test_a_symbolic_link_stays_one_and_its_file_is_written(folder, suffix):
    target, link = folder / f"target{suffix}", folder / f"link{suffix}"
    target.write_bytes(b"old")
    link.symlink_to(target.name)
    done("explain", "a", "-o", link)
    assert link.is_symlink()
    assert target.read_bytes() != b"old"


@pytest.mark.parametrize("form", ["json", "safetensors"])
def test_a_named_pipe_stays_one_and_carries_the_bytes(folder, form):
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    done("explain", "a", "-o", "plain", "--format", form)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        done("explain", "a", "-o", pipe, "--format", form)
        assert stat.S_ISFIFO(pipe.stat().st_mode)
        assert sorted(os.read(reading, 65536)) == sorted((folder / "plain").read_bytes())  # metadata has no order
    finally:
        os.close(reading)


# Devices that are full, streams that are closed

TO_STDOUT = [
    ("explain", "a"),
    ("explain", "a", "--format", "json"),
    ("explain", "a", "--format", "csv"),
    ("explain", "a", "--format", "markdown"),
    ("explain", "--lines", "a\nb", "--format", "json"),
    ("heatmap", "a"),
    ("heatmap", "a", "-o", "-"),
    ("heatmap", "a", "--format", "term"),
    ("heatmap", "a", "--show"),
    ("stats", "a"),
    ("manual",),
    ("--help",),
    ("explain", "--help"),
    ("--version",),
]


AT_EXIT = [
    ("explain", "a"),
    ("heatmap", "a", "-o", "-"),
    ("--help",),
]  # nothing may be left for the interpreter to flush


@needs_full
@pytest.mark.parametrize("buffering", [-1, 0])
@pytest.mark.parametrize("arguments", TO_STDOUT)
@pytest.mark.some(9)
def test_a_full_device_behind_stdout_is_one_clear_line(arguments, buffering):
    with open(FULL, "wb", buffering) as full:
        assert "no space left" in problem(onto(full, *arguments), 1)


@needs_full
@pytest.mark.parametrize("arguments", AT_EXIT)
@pytest.mark.some(2)
def test_a_full_device_behind_the_stdout_of_a_program_is_one_clear_line(arguments):
    assert "no space left" in problem(program(*arguments, shell=f'exec "$@" > {FULL}'), 1)


@needs_full
def test_a_completion_that_finds_no_room_is_one_clear_line(monkeypatch):
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")  # which goes by the parent process
    with open(FULL, "wb") as full:
        assert "no space left" in problem(onto(full, "--show-completion", "bash"), 1)


# Never as .safetensors: a mistake there would replace the device itself, for a root user. A named pipe shows it too.
@needs_full
@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", "a"),
        ("explain", "a", "--format", "json"),
        ("explain", "a", "--format", "csv"),
        ("heatmap", "a", "--format", "png"),
        ("heatmap", "a", "--format", "svg"),
        ("heatmap", "a", "--format", "term"),
    ],
)
def test_a_full_device_as_the_target_is_one_clear_line(arguments):
    assert problem(attnviz(*arguments, "-o", FULL), 1) == f"{FULL}: no space left on device"


@pytest.mark.parametrize("arguments", TO_STDOUT)
def test_a_reader_that_has_gone_is_no_failure(arguments):
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb") as pipe:
        result = onto(pipe, *arguments)
    assert (result.code, result.stderr) == (0, "")


@pytest.mark.parametrize("arguments", AT_EXIT)
@pytest.mark.some(2)
def test_a_reader_that_has_gone_ends_the_run_quietly(arguments):
    reading, writing = os.pipe()
    os.close(reading)
    try:
        with started(*arguments, stdin=subprocess.DEVNULL, stdout=writing) as process:
            _, stderr = process.communicate(timeout=30)
    finally:
        os.close(writing)
    assert (process.returncode, stderr) == (0, b"")


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", "--lines", "--file", "lines.txt"),
        ("explain", "--lines", "--file", "lines.txt", "--format", "json"),
        ("explain", "--file", "lines.txt", "--format", "csv", "--step", "scores"),
        ("heatmap", "--file", "lines.txt", "-o", "-", "--format", "svg"),
    ],
)
@pytest.mark.some(2)
def test_a_reader_that_takes_one_line_ends_the_run_quietly(folder, arguments):
    (folder / "lines.txt").write_text("".join(f"line {number}\n" for number in range(120)))
    with started(*arguments, stdin=subprocess.DEVNULL, bufsize=-1) as process:
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 0


@pytest.mark.parametrize("arguments", [("explain", "a"), ("heatmap", "a", "-o", "-")])
@pytest.mark.some(1)
def test_a_closed_stdout_is_one_clear_line(arguments):
    assert problem(program(*arguments, shell='exec "$@" >&-'), 1) == "standard output is closed"


def test_the_device_of_stdout_is_stdout():
    result = program("explain", "a b", "-o", "/dev/stdout", "--format", "csv")
    assert result == done("explain", "a b", "--format", "csv")


@pytest.mark.parametrize(
    ("command", "name"), [("explain", "a.json"), ("heatmap", "a.svg"), ("html", "a.html"), ("stats", "a.csv")]
)
@pytest.mark.some(2)
def test_a_closed_stdout_does_not_matter_to_a_file(folder, command, name):
    result = program(command, "a", "-o", name, shell='exec "$@" >&-')
    assert (result.code, result.stderr, names(folder)) == (0, "", [name])


def test_what_is_written_to_a_closed_stderr_is_not_written_into_the_users_file(folder):
    """As C code does, or a child process: by the number, 2, which would be that of the next file that is opened."""
    noisy = (
        "import os, sys\n"
        "from attnviz.cli.app import main\n"
        "from attnviz.renderers.data import json_format\n"
        "to_json = json_format.to_json\n"
        "json_format.to_json = lambda *words: (os.write(2, b'noise'), to_json(*words))[1]\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    run = [sys.executable, "-c", noisy, "explain", "--lines", "a\nb", "-o", "a.json"]
    code = subprocess.run(["sh", "-c", 'exec "$@" 2>&-', "sh", *run], check=False, timeout=60).returncode
    written = [json.loads(line)["tokens"] for line in (folder / "a.json").read_text().splitlines()]
    assert (code, written) == (0, [["a"], ["b"]])


@pytest.mark.parametrize(("arguments", "code"), [(("explain", ""), 1), (("explain", "--none"), 2)])
@pytest.mark.parametrize("closed", ["2>&-", "2>&- >&-"])
@pytest.mark.some(2)
def test_a_closed_stderr_leaves_the_exit_code(arguments, code, closed):
    assert program(*arguments, shell=f'exec "$@" {closed}') == (code, b"", "")


def test_the_name_of_a_file_is_its_own_in_a_pipe_and_shown_to_a_person(folder):
    name = "a  \x1b[31m\x9b\u202e.svg"
    assert done("heatmap", "a", "-o", name).stdout == f"{name}\n".encode()
    assert in_terminal("heatmap", "a", "-o", name).text == "a  \\x1b[31m\\x9b\\u202e.svg\n"
    assert names(folder) == [name]


@pytest.mark.parametrize("arguments", [("explain", "--format", "json"), ("explain", "")])
def test_a_closed_stderr_sends_no_notice_to_stdout(arguments):
    result = program(*arguments, shell='exec "$@" 2>&-')
    assert b"attnviz: " not in result.stdout
    assert result.code == (0 if result.stdout else 1)


@needs_full
def test_a_full_device_behind_stderr_changes_neither_the_result_nor_the_code():
    result = program("explain", "--format", "json", shell=f'exec "$@" 2> {FULL}')
    assert (result.code, json.loads(result.stdout)["attnviz"]) == (0, 1)


# Interruptions


def test_an_interruption_while_a_text_is_waited_for_ends_with_130_and_no_traceback():
    with started("explain") as process:
        assert b"waiting for a text" in process.stderr.readline()
        ended = ended_by(process, signal.SIGINT)
    assert ended == (130, b"", "")


@pytest.mark.parametrize("arguments", [("explain",), ("explain", "--lines"), ("heatmap", "--file", "-")])
@pytest.mark.some(2)
def test_an_interruption_in_the_middle_of_a_text_ends_with_130_and_no_traceback(arguments):
    with started(*arguments) as process:
        fed(process, b"a line without its e")
        ended = ended_by(process, signal.SIGINT)
    assert ended == (130, b"", "")


def test_an_interruption_while_a_file_is_written_leaves_nothing(folder):
    with started("explain", "--lines", "-o", "never.json") as process:
        fed(process, b"a line\n")
        fed(process, b"another without its e")
        assert len(names(folder)) == 1, "no temporary file was begun"
        ended = ended_by(process, signal.SIGINT)
    assert ended == (130, b"", "")
    assert names(folder) == []


def test_an_interruption_while_the_program_starts_shows_no_traceback():
    interrupted = """
import sys

class Interrupted:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupted())
sys.argv = ["attnviz", "explain", "a"]
from attnviz.__main__ import run
run()
"""
    run = subprocess.run(
        [PROGRAM[0], "-c", interrupted], capture_output=True, env=surroundings(), check=False, timeout=30
    )
    assert (run.returncode, run.stdout, run.stderr) == (130, b"", b"")


# Names of files


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", "a b", "-o", "a.json"),
        ("explain", "a b", "-o", "a.safetensors"),
        ("heatmap", "a b", "-o", "a.svg"),
        ("heatmap", "a b", "--format", "term", "-o", "a.txt"),
        ("heatmap", "a b", "-o", "a.safetensors"),
        ("html", "a b", "-o", "a.html"),
        ("stats", "a b", "-o", "a.csv"),
        ("stats", "a b", "-o", "a.json"),
        ("stats", "a b", "-o", "a.txt"),
        ("stats", "a b", "--metric", "entropy", "-o", "a.svg"),
    ],
)
def test_each_command_prints_the_name_of_its_file(folder, arguments):
    assert done(*arguments).text == f"{arguments[-1]}\n"
    assert names(folder) == [arguments[-1]]


@pytest.mark.parametrize("output", [None, Path("-"), Path("/dev/null"), Path("never-written.txt")])
def test_what_is_no_file_has_no_name_to_print(output, capfdbinary):
    name_file(output)
    assert capfdbinary.readouterr().out == b""


def test_pieces_reach_standard_output_as_they_come(capfdbinary):
    def pieces():
        yield b"one\n"
        assert capfdbinary.readouterr().out == b"one\n"
        yield b"two\n"

    deliver(pieces(), None)
    assert capfdbinary.readouterr().out == b"two\n"


def test_characters_without_a_font_are_said_except_in_svg(capsys):
    rare = "".join(map(chr, range(0x31340, 0x3134B)))  # of an extension that hardly a font has
    trace = trace_text(" ".join(rare), tokenizer="whitespace")
    picture = decide(trace, select(trace))
    missing = draw(picture)[1]
    if len(missing) < len(rare):
        pytest.skip("this machine has a font for these")  # then nothing is missing that could be said
    drawn(picture, "svg")
    assert capsys.readouterr().err == ""
    drawn(picture, "png")
    listed = f"attnviz: no font on this machine has {' '.join(rare[:10])} … (drawn as boxes)"
    assert capsys.readouterr().err.startswith(listed)


@pytest.mark.parametrize("output", [None, Path("-")])
def test_a_trace_is_saved_to_a_file_alone(output):
    with pytest.raises(UsageError, match=r"a trace is saved to a \.safetensors file"):
        save_trace(trace_text("a"), output)


@pytest.mark.parametrize("name", ["a.json", "safetensors", "a.safetensors.txt"])
def test_without_a_format_the_suffix_says_that_a_file_holds_a_trace(name):
    assert trace_file(Path(name)) == Path(name)
    with pytest.raises(UsageError, match=r"a trace is saved to a \.safetensors file"):
        trace_file(Path(name), SUFFIXES["safetensors"])
    assert trace_file(Path("a.SAFETENSORS"), SUFFIXES["safetensors"]) == Path("a.SAFETENSORS")


def test_a_trace_of_a_model_says_how_exact_it_is(model_folder, capfd):
    save_trace(trace_model(model_folder, "Your step"), Path("t.safetensors"))
    out, err = capfd.readouterr()
    assert out == "t.safetensors\n"
    assert err.startswith("attnviz: t.safetensors: ")
