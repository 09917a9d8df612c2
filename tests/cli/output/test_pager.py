"""More than a screen of a terminal, through the person's pager: which one, when, and how it ends."""

from __future__ import annotations

import contextlib
import fcntl
import io
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterable, Iterator

import pytest
from command_line import PROGRAM, in_terminal, program, shown_to, surroundings, without_escapes

from attnviz.choices import Language
from attnviz.cli.language import speak
from attnviz.cli.output import pager
from attnviz.cli.output.pager import write_paged

LONG = ("explain", "Your journey starts with one step", "--heads", "2")
SHORT = ("explain", "a b", "--step", "weights")


class Screen:
    """A terminal of ten lines."""

    height = 10


@pytest.fixture
def written(monkeypatch):
    """written(pieces, …) → what write_paged() printed of these pieces, itself or through a pager in ``PAGER``."""

    speak(Language.EN)  # whatever ran before

    def run(pieces: Iterable[bytes], screen=Screen, variables=("PAGER",), keys=True, **options) -> tuple[bytes, str]:
        printed: list[bytes] = []
        said = io.StringIO()
        monkeypatch.setattr(pager, "write", lambda some, _: printed.extend(some))
        monkeypatch.setattr(pager, "_has_keys", lambda: keys)
        with contextlib.redirect_stderr(said):
            write_paged(pieces, screen, variables, **options)
        return b"".join(printed), said.getvalue()

    return run


def lines(count: int) -> Iterator[bytes]:
    return (b"%d\n" % number for number in range(count))


@pytest.mark.parametrize(("count", "paged"), [(0, False), (9, False), (10, True), (5000, True)])
def test_more_than_a_screen_goes_to_the_pager_and_else_nothing(written, folder, monkeypatch, count, paged):
    monkeypatch.setenv("PAGER", "cat > paged")
    printed, said = written(lines(count))
    assert said == ""
    assert (folder / "paged").exists() == paged
    assert ((folder / "paged").read_bytes() if paged else printed) == b"".join(lines(count))
    assert printed == b"" or not paged


@pytest.mark.parametrize(
    ("environment", "options"),
    [
        ({"PAGER": ""}, {}),
        ({"PAGER": " cat "}, {}),
        ({"PAGER": "cat > paged", "TERM": "dumb"}, {}),
        ({"PAGER": "cat > paged"}, {"variables": ()}),
        ({"PAGER": "cat > paged"}, {"keys": False}),
        ({"PAGER": "cat > paged"}, {"screen": type("Pipe", (), {"height": None})}),
        ({"PATH": ""}, {}),  # there is no less
    ],
)
def test_where_there_is_to_be_no_pager_all_is_printed(written, folder, monkeypatch, environment, options):
    monkeypatch.delenv("PAGER", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    printed, said = written(lines(50), **options)
    assert (printed, said) == (b"".join(lines(50)), "")
    assert not (folder / "paged").exists()


def test_less_is_the_usual_pager(monkeypatch):
    monkeypatch.delenv("PAGER", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(pager.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert pager._pager(["PAGER"]) == "less"
    monkeypatch.setenv("PAGER", "more")
    assert pager._pager(["MANPAGER", "PAGER"]) == "more"
    monkeypatch.setenv("MANPAGER", "most")
    assert pager._pager(["MANPAGER", "PAGER"]) == "most"


@pytest.mark.parametrize(("given", "expected"), [(None, "FRX"), ("-S", "-S")])
def test_less_leaves_short_texts_at_once_unless_the_person_wants_it_otherwise(
    written, folder, monkeypatch, given, expected
):
    monkeypatch.delenv("LESS", raising=False)
    if given:
        monkeypatch.setenv("LESS", given)
    monkeypatch.setenv("PAGER", "echo $LESS > less")
    written(lines(50))
    assert (folder / "less").read_text() == f"{expected}\n"


@pytest.mark.parametrize("count", [50, 200_000])
def test_a_pager_that_cannot_be_run_is_told_and_all_is_printed(written, monkeypatch, count):
    monkeypatch.setenv("PAGER", "/nonexistent/pager 2> /dev/null")
    printed, said = written(lines(count))
    assert printed == b"".join(lines(count))
    assert said == "attnviz: the pager /nonexistent/pager 2> /dev/null cannot be run, so here is all of it\n"


def test_a_pager_that_is_left_early_ends_it_quietly(written, monkeypatch):
    monkeypatch.setenv("PAGER", "head -1 > /dev/null")
    taken = []
    endless = (taken.append(piece) or piece for piece in lines(10**9))
    assert written(endless) == (b"", "")
    assert len(taken) < 10**7


def test_a_pager_that_fails_otherwise_has_shown_what_it_has(written, monkeypatch):
    monkeypatch.setenv("PAGER", "cat > /dev/null; exit 1")
    assert written(lines(50)) == (b"", "")


def test_pieces_that_come_slowly_are_shown_as_they_come(written, folder, monkeypatch):
    monkeypatch.setenv("PAGER", "cat > paged")
    seen = []

    def slow() -> Iterator[bytes]:
        yield b"one\n"
        end = time.monotonic() + 20
        while not (folder / "paged").exists() or not (folder / "paged").read_bytes():
            assert time.monotonic() < end
            time.sleep(0.01)
        seen.append((folder / "paged").read_bytes())
        yield b"two\n"

    written(slow(), at_once=True)
    assert seen == [b"one\n"]
    assert (folder / "paged").read_bytes() == b"one\ntwo\n"


def test_an_error_in_between_comes_after_what_was_shown(written, folder, monkeypatch):
    monkeypatch.setenv("PAGER", "cat > paged")

    def failing() -> Iterator[bytes]:
        yield from lines(20)
        raise ValueError("planted")

    with pytest.raises(ValueError, match="planted"):
        written(failing())
    assert (folder / "paged").read_bytes() == b"".join(lines(20))


def test_the_handler_of_interrupts_is_the_old_one_afterwards(written, monkeypatch):
    monkeypatch.setenv("PAGER", "cat > /dev/null")
    before = signal.getsignal(signal.SIGINT)
    written(lines(50))
    assert signal.getsignal(signal.SIGINT) is before


def test_a_terminated_run_leaves_no_pager_behind(written, folder, monkeypatch):
    monkeypatch.setenv("PAGER", "echo $$ > pid; exec sleep 60")

    def ended() -> Iterator[bytes]:
        yield from lines(20)
        end = time.monotonic() + 20
        while not (folder / "pid").exists() or not (folder / "pid").read_text():
            assert time.monotonic() < end
            time.sleep(0.01)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        written(ended())
    with pytest.raises(ProcessLookupError):
        os.kill(int((folder / "pid").read_text()), 0)


def test_a_run_that_is_terminated_while_the_pager_is_read_leaves_none_behind(written, folder, monkeypatch):
    monkeypatch.setenv("PAGER", "cat > /dev/null; echo $$ > pid; exec sleep 60")
    wait = subprocess.Popen.wait
    waits = iter([KeyboardInterrupt])

    def interrupted(process: subprocess.Popen[bytes], *arguments: object) -> int:
        if error := next(waits, None):
            end = time.monotonic() + 20
            while not (folder / "pid").exists() or not (folder / "pid").read_text():
                assert time.monotonic() < end
                time.sleep(0.01)
            raise error
        return wait(process, *arguments)

    monkeypatch.setattr(subprocess.Popen, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        written(lines(20))
    with pytest.raises(ProcessLookupError):
        os.kill(int((folder / "pid").read_text()), 0)


def test_a_thread_of_its_own_may_open_it(written, folder, monkeypatch):
    monkeypatch.setenv("PAGER", "cat > paged")
    thread = threading.Thread(target=written, args=(lines(20),))
    thread.start()
    thread.join()
    assert (folder / "paged").read_bytes() == b"".join(lines(20))


def test_a_person_has_keys_where_a_stream_is_a_terminal(monkeypatch):
    ours, its = pty.openpty()
    with open(its) as terminal, open(os.devnull) as nothing:
        for stdin, stderr, keys in (
            (terminal, nothing, True),
            (nothing, terminal, True),
            (nothing, nothing, False),
            (None, None, False),
        ):
            monkeypatch.setattr(sys, "stdin", stdin)
            monkeypatch.setattr(sys, "stderr", stderr)
            assert pager._has_keys() is keys
    os.close(ours)


def test_explain_opens_it_in_colour_and_only_where_it_is_wanted(folder):
    code, shown = shown_to(*LONG, PAGER="cat > paged", TERM="xterm-256color")
    assert (code, "Head 1" in shown) == (0, False)
    assert "\x1b[" in (folder / "paged").read_text()
    assert "Head 1" in without_escapes((folder / "paged").read_text())
    for more in (("--no-pager",), ("-o", "-"), ("--format", "markdown")):
        assert "Head 1" in shown_to(*LONG, *more, PAGER="false")[1]
    assert "Weights" in shown_to(*SHORT, PAGER="false")[1]


@pytest.mark.usefixtures("folder")
def test_a_pipe_and_a_file_get_no_pager():
    result = program(*LONG, environment={"PAGER": "echo paged"})
    assert "Head 1" in result.text
    assert "paged" not in result.text
    assert program(*LONG, "-o", "a.txt", environment={"PAGER": "echo paged"}).text == "a.txt\n"


def test_a_terminal_without_a_keyboard_gets_none():
    assert "Head 1" in in_terminal(*LONG, lines=10, PAGER="false").text


@pytest.mark.slow
@pytest.mark.parametrize("key", [b"\x03", b"j"])
def test_ctrl_c_in_less_goes_on_and_q_ends_it(key):
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, *LONG], stdin=its, stdout=its, stderr=its, env=surroundings(TERM="xterm", PAGER="less"),
        start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    os.close(its)
    shown = read_until(ours, b"Layer 0")
    for pressed in (key, b" "):
        os.write(ours, pressed)
        time.sleep(0.3)
        assert process.poll() is None
    shown = read_until(ours, b"Head 0", shown)  # which the first screen may have held already
    os.write(ours, b"q")
    assert process.wait(timeout=20) == 0
    assert b"Traceback" not in shown
    os.close(ours)


def read_until(terminal: int, wanted: bytes, shown: bytes = b"") -> bytes:
    while wanted not in shown:
        assert select.select([terminal], [], [], 20)[0], shown
        shown += os.read(terminal, 65536)
    return shown
