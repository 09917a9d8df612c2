"""The command that trains: what it writes and says, and that nothing is written where it fails."""

from __future__ import annotations

import sys

import pytest

from attnviz.errors import DONE, FAILED, INTERRUPTED, AttnvizError
from attnviz.sources.tiny import train
from attnviz.sources.tiny.weights import read_weights


def test_it_writes_a_file_that_the_model_reads_and_names_it(tmp_path, capsys):
    pytest.importorskip("torch")
    path = tmp_path / "a.safetensors"
    assert train.main(["--seed", "7", "--steps", "1", "-o", str(path)]) == DONE
    assert read_weights(path).facts == {"seed": "7", "steps": "1"}
    said = capsys.readouterr()
    assert said.out == f"{path}\n"
    assert "2 of 2 steps" in said.err


def test_a_failure_is_one_line_and_leaves_no_file(tmp_path, capsys, monkeypatch):
    path = tmp_path / "a.safetensors"

    def fail(*_):
        raise AttnvizError("it went wrong", "try again")

    monkeypatch.setattr(train, "write", fail)
    assert train.main(["-o", str(path)]) == FAILED
    assert capsys.readouterr().err == "it went wrong\ntry again\n"
    assert not path.exists()


def test_an_interruption_is_no_traceback(monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "write", stop)
    assert train.main([]) == INTERRUPTED


def test_without_torch_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "attnviz.sources.tiny.learning", None)
    with pytest.raises(AttnvizError, match="training needs torch") as error:
        train.write(str(tmp_path / "a"), 0)
    assert "attnviz[torch]" in error.value.hint


@pytest.mark.parametrize(("place", "said"), [("nowhere/a", "its folder does not exist"), (".", "is a directory")])
def test_a_place_that_cannot_be_written_is_said_before_training(tmp_path, place, said):
    with pytest.raises(AttnvizError, match=said):
        train.write(str(tmp_path / place), 0)
