import subprocess
import sys

import matplotlib
from command_line import surroundings

from attnviz.cli.options.heatmap import colour_maps


def test_the_names_of_colour_maps_are_completed():
    assert "viridis" in colour_maps("vir")
    assert all(name.startswith("vir") for name in colour_maps("vir"))
    assert set(colour_maps("")) == set(matplotlib.colormaps)
    assert colour_maps("no such") == []


def test_the_shell_completes_them_without_drawing_anything():
    environment = surroundings(
        _ATTNVIZ_COMPLETE="complete_bash", COMP_WORDS="attnviz heatmap --cmap magm", COMP_CWORD="3"
    )
    run = subprocess.run([sys.executable, "-m", "attnviz"], capture_output=True, env=environment, check=True)
    assert run.stdout.decode().split() == ["magma", "magma_r"]
    assert run.stderr == b""
