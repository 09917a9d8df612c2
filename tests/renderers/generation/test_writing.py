"""What Python gets of a generation: text, a Rich renderable, CSV, a GIF."""

from __future__ import annotations

import io

import pytest
from PIL import Image

import attnviz
from attnviz import AttnvizError
from attnviz.renderers.generation.step_csv import to_csv
from attnviz.renderers.generation.writing import Writing
from attnviz.text.lessons import lessons


@pytest.fixture(scope="module")
def writing():
    return Writing(attnviz.generate("tiny", "the dogs near the tree", 2), lessons())


def test_it_prints_each_step_and_what_was_written(writing, rendered):
    printed = str(writing).splitlines()
    assert printed == rendered(writing, 500)
    chosen = writing.trace.generation.chosen
    assert [line.split()[:2] for line in printed if line[:3].strip().isdigit()] == [["1", chosen[0]], ["2", chosen[1]]]
    assert printed[-1] == f"Written: {' '.join(chosen)}"
    assert repr(writing) == "Writing(2 tokens; print() shows it)"
    assert f"Written: {' '.join(chosen)}" in writing._repr_html_()


def test_it_is_saved_by_its_suffix(writing, tmp_path):
    writing.save(tmp_path / "steps.csv")
    assert (tmp_path / "steps.csv").read_text() == writing.to_csv() == to_csv(writing.trace)
    writing.save(tmp_path / "steps.gif")
    image = Image.open(io.BytesIO((tmp_path / "steps.gif").read_bytes()))
    assert (image.format, image.n_frames) == ("GIF", 2)
    with pytest.raises(AttnvizError, match=r"its suffix is not one of \.csv, \.gif"):
        writing.save(tmp_path / "steps.txt")
    assert {path.name for path in tmp_path.iterdir()} == {"steps.csv", "steps.gif"}
