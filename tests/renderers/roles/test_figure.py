"""The picture of the roles, drawn: every text in its place, and the same bytes each time."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from made_roles import made_role, made_roles
from matplotlib import font_manager
from matplotlib.colors import to_hex
from matplotlib.patches import FancyBboxPatch, PathPatch
from PIL import Image

from attnviz import AttnvizError
from attnviz.choices import Language
from attnviz.renderers.heatmap.figure import save
from attnviz.renderers.roles.figure import MARK, draw
from attnviz.renderers.roles.picture import decide
from attnviz.renderers.shared.colours import rgb
from attnviz.text.lessons import lessons
from attnviz.trace.asking import ROLES
from attnviz.trace.roles import Example
from tests.support.figures import any_overlap, boxes_of, edges_are_white, svg_texts, texts_of

DOGS = Example(("the", "dogs", "near", "the", "tree"), 1, "are", (0.001, 0.9, 0.03, 0.06, 0.009))


def picture_of(count=4, example=DOGS, language=Language.EN):
    return decide(made_roles(*(made_role(role, example=example) for role in ROLES[:count])), lessons(language))


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("count", [1, 4])
def test_no_text_lies_on_another_or_beyond_the_edge(count, language):
    figure, missing = draw(picture_of(count, language=language))
    texts = texts_of(figure)
    boxes = boxes_of(texts)
    width, height = figure.get_size_inches() * figure.dpi
    assert missing == ""
    assert not any_overlap(boxes)
    assert (boxes.min(0)[:2] > 0).all()
    assert (boxes.max(0)[2:] < (width, height)).all()


def test_everything_that_was_decided_is_written():
    picture = picture_of()
    said = [one.text for one in texts_of(draw(picture)[0])]
    for text in picture.texts:
        assert text in said or f"→ {text}" in said
    assert said.count("→ are") == len(ROLES)
    assert {"0.90", "< 0.01"} <= set(said)


def test_a_tile_has_the_colour_of_its_weight_and_the_true_word_a_frame():
    figure, _ = draw(picture_of(1))
    tiles = figure.findobj(FancyBboxPatch)
    assert [to_hex(tile.get_facecolor()) for tile in tiles[:-1]] == [
        "#{:02x}{:02x}{:02x}".format(*rgb(weight)) for weight in DOGS.weights
    ]
    framed = [place for place, tile in enumerate(tiles) if to_hex(tile.get_edgecolor()) == MARK]
    assert framed == [1]


def test_an_arrow_leads_from_the_last_word_to_the_one_that_is_looked_at():
    figure, _ = draw(picture_of(1))
    tiles = figure.findobj(FancyBboxPatch)
    curve, point = (patch.get_path().vertices for patch in figure.findobj(PathPatch))

    def middle(tile):
        return tile.get_x() + tile.get_width() / 2

    assert (curve[0][0], curve[-1][0]) == (pytest.approx(middle(tiles[4])), pytest.approx(middle(tiles[1])))
    assert point[0][0] == pytest.approx(middle(tiles[1]))
    assert curve[1][1] > curve[0][1] > tiles[4].get_y() + tiles[4].get_height()


def test_a_word_that_looks_at_itself_has_no_arrow():
    itself = DOGS._replace(weights=(0, 0, 0, 0, 1.0))
    assert draw(picture_of(1, itself))[0].findobj(PathPatch) == []


def test_the_same_picture_gives_the_same_bytes():
    assert save(draw(picture_of(1))[0], "svg") == save(draw(picture_of(1))[0], "svg")


@pytest.mark.parametrize(("count", "rows"), [(1, 1), (2, 2), (3, 2), (4, 2)])
def test_more_than_two_strips_stand_in_two_columns(count, rows):
    tiles = draw(picture_of(count))[0].findobj(FancyBboxPatch)
    assert len({round(tile.get_y(), 6) for tile in tiles}) == rows


def test_it_is_as_wide_as_a_slide_and_text_stays_text():
    figure, _ = draw(picture_of())
    png = save(figure, "png")
    width, height = Image.open(io.BytesIO(png)).size
    assert 1.3 < width / height < 3.2
    assert edges_are_white(png)
    assert "dogs" in svg_texts(save(figure, "svg"))


def test_what_no_font_has_is_told(monkeypatch):
    fonts = font_manager.fontManager
    monkeypatch.setattr(fonts, "ttflist", [one for one in fonts.ttflist if one.name == "DejaVu Sans"])
    figure, missing = draw(picture_of(1, DOGS._replace(answer="日")))
    assert missing == "日"
    assert len(save(figure, "png")) > 1000


def test_python_gets_a_figure_in_the_language_of_the_roles(tmp_path):
    found = replace(made_roles(made_role(example=DOGS)), language=Language.VI)
    figure = found.figure(tmp_path / "roles.svg")
    assert (tmp_path / "roles.svg").read_bytes() == save(draw(decide(found, lessons(Language.VI)))[0], "svg")
    assert figure._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(AttnvizError, match="its suffix is not one of"):
        found.figure(tmp_path / "roles.txt")
