"""What heatmap draws: the same bytes for the same input, text that stays text, what its options change."""

from __future__ import annotations

import re
import zlib
from xml.etree import ElementTree

import pytest
from command_line import SAMPLE, attnviz, done, problem, program

from attnviz import load

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*arguments: object, form: str) -> bytes:
    return done("heatmap", *arguments, "-o", "-", "--format", form).stdout


def svg_texts(*arguments: object) -> list[str]:
    root = ElementTree.fromstring(drawn(*arguments, form="svg"))
    return [element.text for element in root.iter(f"{SVG}text")]


def png_size(content: bytes) -> tuple[int, int]:
    return int.from_bytes(content[16:20]), int.from_bytes(content[20:24])


def pdf_words(content: bytes) -> set[str]:
    """Every text of a PDF as matplotlib writes it: each glyph's code is the character's, in one byte or two."""
    words = set()
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL):
        try:
            commands = zlib.decompress(stream)
        except zlib.error:
            continue
        for shown in re.findall(rb"\[([^\]]*)\]\s+TJ|(\([^)]*\))\s+Tj", commands):
            letters = b"".join(re.findall(rb"\(([^)]*)\)", shown[0] or shown[1]))
            words.add(letters.replace(b"\0", b"").decode("latin-1"))
    return words


@pytest.mark.parametrize("form", ["png", "svg", "pdf", "term"])
@pytest.mark.some(2)
def test_the_same_input_gives_the_same_bytes(form):
    arguments = ("Không có việc gì khó", "--heads", 2, "--causal")
    assert drawn(*arguments, form=form) == drawn(*arguments, form=form)


@pytest.mark.parametrize("form", ["svg", "pdf"])
@pytest.mark.slow
def test_the_bytes_depend_neither_on_the_process_nor_on_the_time_zone(form):
    runs = [
        program(
            *("heatmap", "a b", "--heads", "2", "--causal", "-o", "-", "--format", form),
            environment={"PYTHONHASHSEED": seed, "TZ": zone},
        )
        for seed, zone in (("1", "UTC"), ("2", "Asia/Ho_Chi_Minh"))
    ]
    assert runs[0] == runs[1]
    assert len(runs[0].stdout) > 1000


@pytest.mark.parametrize(
    ("settings", "backend"), [("savefig.bbox: tight\n", "agg"), ("savefig.facecolor: red\n", "agg"), ("", "none-such")]
)
@pytest.mark.some(2)
def test_a_persons_own_settings_of_matplotlib_change_nothing(folder, settings, backend):
    (folder / "matplotlibrc").write_text(settings)
    result = program("heatmap", "a b", "-o", "-", "--format", "svg", environment={"MPLBACKEND": backend})
    assert (result.code, result.stderr) == (0, "")
    assert result.stdout == drawn("a b", form="svg")


def test_the_tokens_of_an_svg_are_selectable_text():
    texts = svg_texts(SAMPLE, "--causal")
    assert [texts.count(token) for token in SAMPLE.split()] == [2] * 6
    assert {"Attention weights, causal", f"“{SAMPLE}”", "query", "key", "hidden"} <= set(texts)


@pytest.mark.slow
def test_the_tokens_of_a_pdf_are_searchable_text():
    assert {*SAMPLE.split(), "query", "key"} <= pdf_words(drawn(SAMPLE, form="pdf"))


def test_the_values_of_the_cells_are_those_of_explain():
    cells = [text for text in svg_texts("Your journey starts", "--annotate") if re.fullmatch(r"0\.\d\d", text)]
    rows = [
        line.split("│")[1].split()
        for line in done("explain", "Your journey starts", "--step", "weights", "-q").lines
        if "│" in line
    ]
    expected = [f"{float(cell):.2f}" for row in rows[1:] for cell in row[:3]]
    assert cells[:9] == expected


def test_values_can_be_left_out():
    with_values, without = (svg_texts("Your journey starts", option) for option in ("--annotate", "--no-annotate"))
    assert len(with_values) == len(without) + 9


def test_a_title_stands_in_place_of_the_usual_one():
    assert "My own $title$" in svg_texts("a b", "--title", "My own $title$")
    assert "Attention weights" not in svg_texts("a b", "--title", "My own $title$")


@pytest.mark.parametrize(
    ("step", "title"),
    [
        ("scores", "Attention scores Q Kᵀ"),
        ("scaled", "Scaled attention scores"),
        ("masked", "Masked attention scores"),
        ("weights", "Attention weights"),
    ],
)
@pytest.mark.parametrize("form", ["svg", "term"])
def test_every_step_can_be_drawn(step, title, form):
    assert title in drawn("a b c", "--step", step, form=form).decode()


def test_heads_are_panels_and_can_be_picked():
    assert [text for text in svg_texts("a b", "--heads", 4) if text.startswith("Head")] == [
        f"Head {head}" for head in range(4)
    ]
    assert [text for text in svg_texts("a b", "--heads", 4, "--head", "1,3") if text.startswith("Head")] == [
        "Head 1",
        "Head 3",
    ]
    assert "Attention weights, layer 0, head 2" in svg_texts("a b", "--heads", 4, "--head", 2)


def test_resolution_scales_the_picture():
    (width, height), (wide, high) = (png_size(drawn("a b", "--dpi", dpi, form="png")) for dpi in (50, 200))
    assert wide == pytest.approx(4 * width, abs=4)
    assert high == pytest.approx(4 * height, abs=4)


def test_a_colour_map_changes_the_colours():
    assert drawn("a b", "--cmap", "magma", form="png") != drawn("a b", form="png")
    assert drawn("a b", "--cmap", "viridis", form="png") == drawn("a b", form="png")


def test_hidden_cells_are_marked_in_a_terminal():
    lines = done("heatmap", "a b c", "--causal", "--format", "term").lines
    assert lines[-1].endswith("· hidden")
    assert lines[4].count("·") == 8  # two hidden cells beside the first query, four characters each
    assert "·" not in done("heatmap", "a b c", "--format", "term").text


def test_show_draws_in_the_terminal_and_writes_no_file(folder):
    shown = done("heatmap", "a b", "--show")
    assert shown.stdout == drawn("a b", form="term")
    assert list(folder.iterdir()) == []


def test_show_beside_an_output_does_both(folder):
    shown = done("heatmap", "a b", "--show", "-o", "a.svg")
    assert shown.stdout == drawn("a b", form="term") + b"a.svg\n"
    assert (folder / "a.svg").read_bytes() == drawn("a b", form="svg")


def test_show_beside_a_format_does_both(folder):
    shown = done("heatmap", "a b", "--show", "--format", "svg")
    assert shown.stdout == drawn("a b", form="term") + b"attention.svg\n"
    assert (folder / "attention.svg").read_bytes() == drawn("a b", form="svg")


def test_show_beside_the_format_of_a_terminal_draws_once(folder):
    assert done("heatmap", "a b", "--show", "--format", "term").stdout == drawn("a b", form="term")
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("count", [1, 2, 65, 200, 400])
@pytest.mark.parametrize("form", ["png", "term"])
@pytest.mark.some(3)
def test_texts_of_any_length_can_be_drawn(count, form):
    assert len(drawn(" ".join(map(str, range(count))), "--causal", "--dpi", 20, form=form)) > 100


def test_layers_of_different_tokens_do_not_share_a_picture(folder):
    from attnviz import Layer, Trace

    arrays = [[[1.0], [2.0]]] * 3
    layers = Layer(*arrays), Layer(*arrays, index=1, tokens=("c", "d"))
    Trace(("a", "b"), layers).save(folder / "two.safetensors")
    result = attnviz("heatmap", "--from", "two.safetensors", "--layer", "all", "-o", "-")
    assert (result.code, result.stdout) == (1, b"")
    assert "different tokens" in result.stderr
    assert attnviz("heatmap", "--from", "two.safetensors", "--layer", 1, "-o", "-").code == 0


def test_a_character_without_a_font_is_spoken_of_once():
    result = attnviz("heatmap", "\U0010fffd a \U0010fffd", "--tokenizer", "whitespace", "-o", "a.png")
    assert result.code == 0
    assert "font" not in result.stderr or result.stderr.count("\n") == 1


def test_a_trace_is_saved_in_place_of_a_picture():
    assert done("heatmap", "a b", "--heads", 2, "-o", "t.safetensors").text == "t.safetensors\n"
    assert done("heatmap", "--from", "t.safetensors", "-o", "-", "--format", "svg").stdout == drawn(
        "a b", "--heads", 2, form="svg"
    )


def test_a_trace_is_saved_and_shown():
    result = done("heatmap", "a b", "--show", "-o", "t.safetensors")
    assert result.text == done("heatmap", "a b", "--show").text + "t.safetensors\n"
    assert load("t.safetensors").tokens == ("a", "b")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--show", "-o", "-"), 2, "--show draws on standard output, and -o - sends the png there"),
        (("--show", "-o", "-", "--format", "svg"), 2, "--show draws on standard output, and -o - sends the svg there"),
        (("-o", "t.safetensors", "--head", "0"), 2, "--head chooses what is shown, but a saved trace is whole"),
        (("--format", "safetensors"), 2, "a trace is saved to a .safetensors file"),
    ],
)
def test_what_does_not_go_together(folder, arguments, code, message):
    assert problem(attnviz("heatmap", "a b", *arguments), code) == message
    assert list(folder.iterdir()) == []


def test_values_are_not_written_into_cells_of_many_tokens(folder):
    import numpy

    from attnviz import Layer, Trace

    array = numpy.zeros((1, 1100, 1))
    Trace(tuple(map(str, range(1100))), (Layer(array, array, array),)).save(folder / "long.safetensors")
    result = attnviz("heatmap", "--from", "long.safetensors", "--annotate")
    assert problem(result, 2) == "--annotate writes the weight of a pair, and a cell here covers many"


def test_a_token_is_a_row_or_a_column():
    row = drawn("a b c", "--query", "b", form="svg")
    assert row == drawn("a b c", "--query", "@1", form="svg") == drawn("a b c", "--query", "1:2", form="svg")
    assert row != drawn("a b c", form="svg")
    assert drawn("a b c", "--key", "C", form="svg") == drawn("a b c", "--key", "2:3", form="svg")


def test_nothing_special_is_said():
    result = attnviz("heatmap", "a b", "--skip-special", "--format", "term")
    assert (result.code, result.stderr) == (0, "attnviz: there are no special tokens to hide\n")


def test_a_trace_without_a_file_is_refused_before_a_model_is_loaded():
    result = attnviz("heatmap", "a", "--model", "none/such", "--format", "safetensors")
    assert problem(result, 2) == "a trace is saved to a .safetensors file"


def test_the_bar_says_what_it_measures_in_the_language_of_the_reader():
    assert "weight" in svg_texts("a b c")
    assert "scaled score" in svg_texts("a b c", "--step", "scaled")
    assert {"trọng số", "bị che", "Query"} <= set(svg_texts("a b c", "--causal", "--lang", "vi"))
    assert "hàng: Query, cột: Key" in drawn("a b", "--lang", "vi", form="term").decode()


def test_ends_of_the_colours_and_a_width_of_ones_own():
    assert {"0.5", "→ 1.0"} <= set(svg_texts("a b c", "--causal", "--vmax", "0.5"))
    width, _ = png_size(drawn("a b c", "--width", "50.8", "--dpi", 100, form="png"))
    assert width == 200


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--vmin", "1"), 1, "the upper end must be above the lower"),
        (("--vmax", "inf"), 2, "--vmax"),
        (("--width", "5"), 2, "at least 20"),
        (("--width", "20", "--heads", "12"), 1, "does not fit into 20 mm"),
    ],
)
def test_what_cannot_be_drawn_is_told(options, code, message):
    assert message in problem(attnviz("heatmap", "a b c", *options), code)


@pytest.mark.parametrize("form", ["gif", "webp"])
def test_a_picture_moves(form):
    content = drawn("a b", "--causal", "--dpi", 40, "--seconds", 2, form=form)
    assert content.startswith({"gif": b"GIF89a", "webp": b"RIFF"}[form])
    assert content == drawn("a b", "--causal", "--dpi", 40, "--seconds", 2, form=form)


@pytest.mark.slow
def test_all_steps_and_comparisons_are_figures():
    steps = svg_texts("a b c", "--step", "all", "--heads", 2)
    assert {"The steps of attention, layer 0, head 0", "Scores Q Kᵀ", "softmax", "Output"} <= set(steps)
    assert "Các bước của attention, lớp 0, đầu 1" in svg_texts(
        "a b c", "--step", "all", "--heads", 2, "--head", 1, "--lang", "vi"
    )
    assert {"With the causal rule", "Difference"} <= set(svg_texts("a b c", "--compare", "causal"))
    assert png_size(drawn("a b", "--step", "all", form="png"))[0] == 1600


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--seconds", "1", "-o", "a.png"), 2, "--seconds is for a picture that moves"),
        (("--seconds", "20", "-o", "a.gif"), 2, "at most 10"),
        (("--step", "all", "--show"), 2, "--step all draws a figure, which a terminal cannot show"),
        (("--compare", "scale", "--format", "term"), 2, "--compare draws a figure"),
        (("--step", "all", "--heads", "3", "--head", "0,1"), 1, "--step all draws one head, and 2 are chosen"),
        (("--compare", "position"), 1, "this toy has no positions"),
        (("--compare", "scale", "--step", "scores"), 1, "--compare is of the weights"),
    ],
)
def test_what_does_not_go_together_is_told(options, code, message):
    assert message in problem(attnviz("heatmap", "a b c", *options), code)


def test_what_is_followed_through_layers_is_drawn_shown_and_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    followed = ("heatmap", "the dog saw the cat", "--model", "tiny", "--across", "rollout")
    done(*followed, "-o", "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert b"rollout" in done(*followed, "--show", "-o", "a.csv").stdout.lower()
    assert (tmp_path / "a.csv").read_bytes().startswith(b"layer,query,key")
    assert b"rollout" in done(*followed, "--format", "term").stdout.lower()


def test_words_are_drawn_in_place_of_tokens_and_only_their_weights():
    characters = ("heatmap", "ab cd", "--tokenizer", "char", "--words")
    assert b"ab" in done(*characters, "--format", "term").stdout
    assert "--words merges weights" in problem(attnviz(*characters, "--step", "scores", "-o", "a.png"), 2)
