"""attnviz.diff: the same as the command line, with the same names and defaults."""

from __future__ import annotations

import json
from importlib import import_module

import pytest
from command_line import done

import attnviz
from attnviz import AttnvizError, diff, trace_text
from attnviz.api.stats import reading
from attnviz.errors import UsageError

TEXT = "the queen met the actor"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def files(folder):
    for name, causal in (("causal", True), ("plain", False)):
        trace_text(TEXT, 2, causal=causal).save(folder / f"{name}.safetensors")
    return folder / "causal.safetensors", folder / "plain.safetensors"


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ((TEXT, "the king met the actor"), {"model": "tiny"}),
        ((TEXT, "the king met the actor"), {"heads": 2, "causal": True}),
        (("causal.safetensors", "plain.safetensors"), {}),
        (("causal.safetensors",), {"left": "0.0", "right": "0.1"}),
        (("causal.safetensors", "plain.safetensors"), {"pool": "max", "head": "1", "query": "queen", "top": 1}),
    ],
)
def test_the_call_and_the_command_give_the_same_bytes(files, arguments, options):
    assert all(path.exists() for path in files)
    found = diff(*arguments, **options)
    words = [
        word for name, value in options.items() for word in ([f"--{name}"] if value is True else [f"--{name}", value])
    ]
    assert done("diff", *arguments, *words, "--format", "json").text == found.to_json()
    assert done("diff", *arguments, *words, "--format", "csv").text == found.to_csv()
    assert done("diff", *arguments, *words).text == str(found)


def test_traces_files_and_texts(files):
    trace, other = map(attnviz.load, files)
    numbers = [head.divergence for head in diff(trace, other).heads]
    assert numbers == [head.divergence for head in diff(*files).heads]
    assert numbers == [head.divergence for head in diff(str(files[0]), TEXT, heads=2).heads]
    assert diff(*files).left.file == str(files[0])
    assert diff(*files, causal=True).equal


def test_an_adapter_goes_into_the_model_on_the_right(monkeypatch):
    made = []

    def planted(model, _, __, making):
        made.append((model, making))
        return lambda text: trace_text(text)

    monkeypatch.setattr(import_module("attnviz.api.diff"), "reading", planted)
    assert diff(TEXT, model="M", adapter="A").equal
    assert made == [("M", {}), ("M", {"adapter": "A"})]
    made.clear()
    diff(TEXT, "the king", model="M", adapter="A")
    assert made == [("M", {"adapter": "A"})]


def test_words_in_place_of_tokens():
    assert diff("the queen", "the king", model="tiny", words=True).left.trace.source["merged"] == "words"


def test_two_models_read_one_text_or_each_its_own():
    assert diff(TEXT, model=("tiny", "tiny")).equal
    assert not diff(TEXT, "the king met the actor", model=["tiny", "tiny"]).equal


def test_a_model_is_made_once_for_both_texts(monkeypatch):
    made = []
    monkeypatch.setattr(
        import_module("attnviz.api.diff"), "reading", lambda *options: made.append(options) or reading(*options)
    )
    diff(TEXT, "the king met the actor", model="tiny")
    assert len(made) == 1


def test_it_prints_and_shows_itself(files):
    found = diff(*files, language="vi")
    assert str(found).startswith("Các cặp đầu")
    assert repr(found).startswith("Difference(2 pairs of heads, at most 0.")
    assert "<table" in found._repr_html_()
    assert len(found.records) == len(json.loads(found.to_json())["heads"]) == 2


def test_the_picture(files):
    drawing = diff(*files).heatmap(title="Causal or not", cmap="magma", width=200, vmax=1, dpi=100).drawing
    assert (drawing.picture.title, drawing.cmap, drawing.dpi) == ("Causal or not", "magma", 100)
    assert [one.scale.high for one in drawing.picture.maps[:2]] == [1, 1]


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((TEXT,), {}, "only one trace is given"),
        ((TEXT,), {"left": "0.0"}, "left and right name a head each"),
        ((TEXT, TEXT), {"model": ("tiny",) * 3}, "3 models are given"),
        ((TEXT, TEXT), {"model": ()}, "0 models are given"),
        ((TEXT, TEXT), {"pool": "least"}, "pool is 'least'"),
        ((TEXT, TEXT), {"top": 0}, "top is 0"),
        ((TEXT, TEXT), {"language": "xx"}, "language is 'xx'"),
        ((TEXT, TEXT), {"left": 3, "right": "0.0"}, "left is 3: expected a text"),
        ((TEXT, "missing.safetensors"), {}, "missing.safetensors does not exist"),
        (("a b", "c d"), {}, "no token in common"),
        (("a.npz", "b.npz"), {"heads": 2}, "heads is no option of load"),
        ((TEXT, TEXT), {"model": "tiny", "causal": True}, "causal is no option of trace_model"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(arguments, options, message):
    with pytest.raises(AttnvizError) as caught:
        diff(*arguments, **options)
    assert message in caught.value.message
    assert "\n" not in caught.value.message


def test_heads_named_in_two_ways():
    with pytest.raises(UsageError, match="--left and --right name two heads"):
        diff(trace_text(TEXT, 2), left="0.0", right="0.1", head=1)


def test_the_page(files):
    found = diff(*files)
    assert 'lang="en"' in found.to_html()
    assert 'lang="vi"' in found.to_html(language="vi", pool="max", max_size=1)
    with pytest.raises(AttnvizError, match="max_size is 0"):
        found.to_html(max_size=0)
