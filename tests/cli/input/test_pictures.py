"""Which picture weights are laid over, and which a model reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from attnviz.cli.bare_options import ALONE
from attnviz.cli.input.pictures import overlay_of, picture_of, require_picture
from attnviz.cli.input.traces import Making
from attnviz.cli.options.model import ModelOptions
from attnviz.cli.options.on_image import OnImageOptions
from attnviz.cli.options.source import SourceOptions
from attnviz.errors import UsageError


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (3, 2)).save("a.png")
    Image.new("RGB", (5, 4)).save("b.png")


def meant(on_image, model=None, image=None, **source):
    """The sizes of the picture that is drawn on and of the one that is read."""
    options = OnImageOptions(on_image=on_image)
    making = Making(model=ModelOptions(model=model, image=image))
    picture, making = picture_of(options, SourceOptions(**source), making)
    return picture and picture.size, making.picture and making.picture.size


@pytest.mark.parametrize(
    ("given", "sizes"),
    [
        ({"on_image": None}, (None, None)),
        ({"on_image": Path("a.png"), "from_": Path("t.safetensors")}, ((3, 2), None)),
        ({"on_image": Path(ALONE), "model": "m", "file": Path("b.png")}, ((5, 4), (5, 4))),
        ({"on_image": Path(ALONE), "model": "m", "image": Path("b.png"), "text": "a cat"}, ((5, 4), (5, 4))),
        ({"on_image": Path("a.png"), "model": "m"}, ((3, 2), (3, 2))),
        ({"on_image": Path("a.png"), "model": "m", "file": Path("b.png")}, ((3, 2), None)),
    ],
)
def test_the_picture_that_is_meant(given, sizes):
    assert meant(**given) == sizes


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"on_image": Path(ALONE)}, "--on-image needs the image that was read"),
        (
            {"on_image": Path(ALONE), "model": "m"},
            "--on-image means the image that the model looks at, and none is given",
        ),
    ],
)
def test_a_picture_that_is_missing_is_asked_for(given, said):
    with pytest.raises(UsageError, match=said):
        meant(**given)


def test_how_it_is_laid_over():
    assert overlay_of(OnImageOptions()) == (True, 0.65, ())
    from attnviz.choices import Interpolation

    options = OnImageOptions(interpolation=Interpolation.NEAREST, opacity=0.2, contour="80 %,50")
    assert overlay_of(options) == (False, 0.2, (0.5, 0.8))
    with pytest.raises(UsageError, match="two with a comma between"):
        overlay_of(OnImageOptions(contour="100"))
    with pytest.raises(UsageError, match="at most 2 lines"):
        overlay_of(OnImageOptions(contour="1,2,3"))
    with pytest.raises(UsageError, match="--interpolation is for weights on an image"):
        require_picture(OnImageOptions(interpolation=Interpolation.NEAREST))
