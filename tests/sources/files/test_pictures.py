"""A picture in a file: read, turned, or refused in one line."""

from __future__ import annotations

import io

import numpy
import pytest
from PIL import Image

from attnviz.errors import AttnvizError
from attnviz.sources.files.pictures import read_picture


def test_a_picture_is_red_green_and_blue(tmp_path):
    Image.new("LA", (5, 4), (9, 200)).save(tmp_path / "grey.png")
    picture = read_picture(tmp_path / "grey.png")
    assert (picture.mode, picture.size, picture.getpixel((0, 0))) == ("RGB", (5, 4), (9, 9, 9))


def test_it_is_turned_as_its_camera_says(tmp_path):
    pixels = numpy.zeros((20, 40, 3), dtype=numpy.uint8)
    pixels[:, :8] = 255  # at the left, which is up once it is turned
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "photo.jpg", exif=exif, quality=95)
    picture = read_picture(tmp_path / "photo.jpg")
    assert picture.size == (20, 40)
    assert picture.getpixel((10, 2))[0] > 200 > 50 > picture.getpixel((10, 30))[0]


@pytest.mark.parametrize("content", [b"", b"no picture at all", b"\x89PNG\r\n\x1a\n" + bytes(30)])
def test_what_is_none_is_told_in_one_line(content, tmp_path):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(AttnvizError, match=r"a.png is not a readable image: .+") as caught:
        read_picture(tmp_path / "a.png")
    assert "\n" not in str(caught.value.message)


def test_one_that_ends_too_soon_is_told(tmp_path):
    content = io.BytesIO()
    Image.effect_noise((50, 50), 90).save(content, "PNG")
    (tmp_path / "half.png").write_bytes(content.getvalue()[:900])
    with pytest.raises(AttnvizError, match=r"half\.png is not a readable image: "):
        read_picture(tmp_path / "half.png")


def test_a_huge_one_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    Image.new("RGB", (2000, 2000)).save(tmp_path / "huge.png")
    from attnviz.sources.files import pictures

    def refuse(needed, what, hint):
        raise AttnvizError("{what} takes {needed}", hint, what=what, needed=needed)

    monkeypatch.setattr(pictures, "require_memory", refuse)
    with pytest.raises(AttnvizError, match=r"huge\.png takes 64000000"):
        read_picture(tmp_path / "huge.png")


def test_what_is_not_there_is_told(tmp_path):
    with pytest.raises(AttnvizError, match="does not exist"):
        read_picture(tmp_path / "nowhere.png")
