"""Standard output and standard error, also where their reader has gone."""

import io
import os
import sys
from pathlib import Path

import pytest
import typer

from attnviz.cli.output.streams import abandon, fill_standard_descriptors, guarded_stdout, notice, stdout_errors
from attnviz.errors import AttnvizError


class Failing(io.TextIOWrapper):
    """A stream whose device has no room, or whose reader has gone."""

    def __init__(self, error: OSError) -> None:
        super().__init__(open(os.devnull, "wb"), encoding="utf-8")  # noqa: SIM115  (the wrapper closes it)
        self.error: OSError | None = error

    def flush(self) -> None:
        if getattr(self, "error", None) is not None:
            raise self.error


def quiet(stream):
    stream.error = None
    stream.close()


def test_a_notice_is_one_line_on_stderr(capsys):
    notice("look here")
    assert capsys.readouterr() == ("", "attnviz: look here\n")


def test_a_notice_without_stderr_goes_nowhere(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", None)
    notice("look here")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), BrokenPipeError(32, "Broken pipe")])
def test_a_stderr_that_takes_nothing_is_ignored(monkeypatch, error):
    stream = Failing(error)
    monkeypatch.setattr(sys, "stderr", stream)
    notice("look here")
    quiet(stream)


def test_a_closed_stderr_is_ignored(monkeypatch):
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    notice("look here")


class Watched(io.StringIO):
    """A terminal that somebody watches."""

    def isatty(self) -> bool:
        return True


def test_a_notice_shows_what_a_terminal_would_act_upon(capsys):
    notice("the file  \x1b]0;x\x07\u202e \udcff.txt does not exist")
    assert capsys.readouterr().err == "attnviz: the file  \\x1b]0;x\\x07\\u202e \\udcff.txt does not exist\n"


@pytest.mark.parametrize("broken", [None, Failing(OSError(28, "No space left on device"))])
def test_a_notice_that_stderr_does_not_take_is_shown_where_a_person_watches_stdout(monkeypatch, broken):
    monkeypatch.setattr(sys, "stderr", broken)
    for stdout, shown in ((Watched(), "attnviz: look here\n"), (io.StringIO(), "")):
        monkeypatch.setattr(sys, "stdout", stdout)
        notice("look here")
        assert stdout.getvalue() == shown
        if broken is not None:
            broken.error = OSError(28, "No space left on device")
    if broken is not None:
        quiet(broken)


def test_a_closed_descriptor_is_filled_and_an_open_one_left_alone():
    fill_standard_descriptors()
    before = [os.fstat(number).st_ino for number in (1, 2)]
    kept = os.dup(0)
    try:
        os.close(0)
        fill_standard_descriptors()
        assert os.path.samestat(os.fstat(0), os.stat(os.devnull))
        assert os.get_inheritable(0)  # so that a child process has one, too
        assert [os.fstat(number).st_ino for number in (1, 2)] == before
    finally:
        os.dup2(kept, 0)
        os.close(kept)


def test_bytes_go_to_standard_output(capfdbinary):
    with guarded_stdout() as stdout:
        stdout.write(b"\xff\n")
    assert capfdbinary.readouterr().out == b"\xff\n"


def test_a_closed_standard_output_is_said(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(AttnvizError, match="standard output is closed"), guarded_stdout():
        pass


@pytest.mark.parametrize("error", [BrokenPipeError(32, "Broken pipe"), SystemExit(1)])
def test_a_reader_that_has_gone_ends_the_program_with_0(monkeypatch, error):
    stream = Failing(error)
    monkeypatch.setattr(sys, "stdout", stream)
    with pytest.raises(typer.Exit) as raised, guarded_stdout():
        pass
    assert raised.value.exit_code == 0
    quiet(stream)


def test_a_full_disk_is_one_line(monkeypatch):
    stream = Failing(OSError(28, "No space left on device"))
    monkeypatch.setattr(sys, "stdout", stream)
    with pytest.raises(AttnvizError, match=r"^standard output: no space left on device$"), guarded_stdout():
        pass
    quiet(stream)


def test_a_file_that_cannot_be_written_is_named():
    with pytest.raises(AttnvizError, match=r"^/none/a: no such file or directory$"), stdout_errors():
        Path("/none/a").touch()


def test_what_is_buffered_of_an_abandoned_stream_goes_nowhere(tmp_path):
    with open(tmp_path / "a.txt", "w") as stream:
        stream.write("never")
        abandon(stream)
    assert (tmp_path / "a.txt").read_text() == ""
    abandon(io.StringIO())  # without a file there is nothing to do
