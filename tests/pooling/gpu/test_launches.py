"""How a kernel is started, and what is said where it cannot."""

from __future__ import annotations

import re
import subprocess

import pytest
from triton_errors import OutOfResources, TritonError, errors_of_triton  # noqa: F401  (a fixture)

from attnviz.pooling.gpu.launches import Launch, LaunchError, launches_for, padded, start

torch = pytest.importorskip("torch")


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        (TritonError("no such type"), LaunchError),
        (RuntimeError("Failed to find C compiler."), LaunchError),
        (subprocess.CalledProcessError(1, "gcc"), LaunchError),
        (FileNotFoundError("ptxas"), LaunchError),
        (OutOfResources("shared memory"), OutOfResources),
        (TypeError("an argument too few"), TypeError),
    ],
    ids=repr,
)
@pytest.mark.usefixtures("errors_of_triton")
def test_what_triton_cannot_launch_is_told_from_mistakes(raised, error):
    def failing(**_):
        raise raised

    with pytest.raises(error, match=re.escape(str(raised))):
        start({(1,): failing}, (1,), {"argument": 1})


@pytest.mark.parametrize(("size", "power"), [(1, 1), (2, 2), (3, 4), (64, 64), (65, 128)])
def test_padded_is_the_next_power_of_two(size, power):
    assert padded(size) == power


@pytest.mark.parametrize("dimension", [16, 64, 100, 128, 256])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("cell_keys", [1, 3, 40, 128, 999])
def test_launches_take_ever_less_of_the_card(dimension, dtype, cell_keys):
    launches = list(launches_for(torch.empty(1, 9, dimension, dtype=dtype), cell_keys))
    taken = [(one.query_block + one.key_block) * one.stages for one in launches]
    assert taken == sorted(taken, reverse=True)
    assert all(max(one.query_block, one.key_block) >= 16 for one in launches)
    assert (launches[-1].query_block, launches[-1].key_block) == (16, 16)


def test_the_measured_launch_is_the_default():
    assert next(launches_for(torch.empty(1, 9, 128, dtype=torch.bfloat16), 128)) == Launch()
