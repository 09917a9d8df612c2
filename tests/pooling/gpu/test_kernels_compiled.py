"""The GPU's kernels compile for the cards that people have, and fit them; no card is needed for that."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not find_spec("triton"), reason="Triton comes with torch where there is CUDA"),
]
SCRIPT = Path(__file__).parents[2] / "support" / "compile_kernels.py"
FEW = ["the reach", "wide, single precision"]
ALL = ["the reach", "all rules", "few tokens", "single precision", "wide", "wide, single precision"]


@pytest.mark.parametrize(
    ("architecture", "kibibytes", "cases"),
    # The shared memory that a program may take: CUDA C++ Programming Guide, specifications per compute capability.
    [(80, 163, FEW), (89, 99, FEW), (90, 227, ALL), (100, 227, FEW), (120, 99, FEW)],
    ids=["A100", "L4", "H100", "B200", "RTX 5090"],
)
def test_a_launch_compiles_and_fits(architecture, kibibytes, cases, tmp_path):
    environment = os.environ | {"TRITON_CACHE_DIR": str(tmp_path), "PYTHONWARNINGS": "error"}
    environment.pop("TRITON_INTERPRET", None)
    limit = kibibytes << 10
    command = [sys.executable, str(SCRIPT), str(architecture), str(limit), *cases]
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert run.returncode == 0, run.stderr
    shared = {case["case"]: case["shared"] for case in map(json.loads, run.stdout.splitlines())}
    assert list(shared) == cases
    for case, launches in shared.items():
        assert launches[-1] <= limit, case
    assert len(shared["the reach"]) == 1  # the launch that was measured is the one that runs
