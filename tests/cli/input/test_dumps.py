"""From options to a dump: what was meant is said by the file, or in its place by the options."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest
from array_files import normal, three, written
from command_line import _standard_input
from numpy.testing import assert_array_equal

from attnviz.choices import Rounding
from attnviz.cli.input.dumps import meant, read_dump
from attnviz.cli.options.diagnose import MeantOptions
from attnviz.errors import AttnvizError, UsageError

OUTPUT = {"output": normal(2, 3, 4)}


@pytest.fixture
def path(tmp_path):
    return written(tmp_path / "own.npz", three() | OUTPUT | {"scale": 0.5, "causal": True, "rope_theta": 1e4})


def test_without_options_the_file_says_what_was_meant(path):
    assert meant(read_dump(path), MeantOptions()) == {"scale": 0.5, "causal": True, "rope_theta": 1e4}


def test_options_replace_what_the_file_says(path):
    options = MeantOptions(
        causal=False, no_scale=True, window=2, rope_theta=5e5, rope_dims=2, rope_interleaved=True, dtype=Rounding.TF32
    )
    assert meant(read_dump(path), options) == {
        "scale": 1.0,
        "causal": False,
        "window": 2,
        "rope_theta": 5e5,
        "rope_dims": 2,
        "rope_interleaved": True,
        "dtype": "tf32",
    }


def test_options_that_cannot_be_are_wrong_usage(path):
    with pytest.raises(UsageError, match=r"--softcap is -1.0"):
        meant(read_dump(path), MeantOptions(softcap=-1.0))
    with pytest.raises(UsageError, match="no file is named"):
        read_dump(None)


def test_standard_input(path):
    with _standard_input(path.read_bytes()):
        assert_array_equal(read_dump(Path("-")).given["output"], OUTPUT["output"])
    with _standard_input(b"{}"), pytest.raises(AttnvizError, match="standard input lacks query, key, value"):
        read_dump(Path("-"))


def test_what_is_not_read_is_said(tmp_path, capsys):
    read_dump(written(tmp_path / "own.npz", three() | OUTPUT | {"gradient": numpy.ones(2)}))
    assert "also holds gradient, which attnviz does not read" in capsys.readouterr().err
