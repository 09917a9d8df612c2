"""Which two traces are meant: files, texts, models, standard input."""

from __future__ import annotations

from pathlib import Path

import pytest

from attnviz import trace_model, trace_text
from attnviz.cli.input.compared import Side, read_sides, sides_of
from attnviz.cli.input.traces import Making
from attnviz.cli.options.diff import BothOptions, ModelsOptions
from attnviz.cli.options.toy import ToyOptions
from attnviz.errors import UsageError

A, B = Path("a.safetensors"), Path("b.NPZ")
HEADS = {"left": "0.0", "right": "0.1"}


@pytest.mark.parametrize(
    ("words", "models", "heads", "sides"),
    [
        (["a.safetensors", "b.NPZ"], [], {}, [Side(A), Side(B)]),
        (["a.safetensors"], [], HEADS, [Side(A)]),
        (["-", "b.NPZ"], [], {}, [Side(Path("-")), Side(B)]),
        (["one text"], ["M", "N"], {}, [Side(None, "one text", "M"), Side(None, "one text", "N")]),
        (["one", "two"], ["M"], {}, [Side(None, "one", "M"), Side(None, "two", "M")]),
        (["one", "two"], ["M", "N"], {}, [Side(None, "one", "M"), Side(None, "two", "N")]),
        (["one", "two"], [], {}, [Side(None, "one"), Side(None, "two")]),
        (["one"], ["M"], HEADS, [Side(None, "one", "M")]),
        ([], ["M", "N"], {}, [Side(None, None, "M"), Side(None, None, "N")]),
        (["a.safetensors", "two"], ["M"], {}, [Side(A), Side(None, "two", "M")]),
        (["-", "two"], ["M"], {}, [Side(None, "-", "M"), Side(None, "two", "M")]),
    ],
)
def test_what_is_meant(words, models, heads, sides):
    assert sides_of(BothOptions(**_both(words, heads)), models) == sides


def test_an_adapter_goes_into_the_model_on_the_right_where_one_text_is_read():
    def sides(*words, models=("M",), **heads):
        return sides_of(BothOptions(**_both(words, heads)), models, adapter=True)

    without, with_it = Side(None, "one", "M", bare=True), Side(None, "one", "M")
    assert sides("one") == sides("one", **HEADS) == sides("one", models=("M", "M")) == [without, with_it]
    assert sides("one", "two") == [with_it, Side(None, "two", "M")]
    assert sides("a.safetensors", "one") == [Side(A), with_it]


@pytest.mark.parametrize(
    ("words", "models", "heads", "message"),
    [
        ([], [], {}, "nothing to compare is given"),
        (["-", "-"], [], {}, "standard input can be read only once"),
        (["one"], ["M", "N", "O"], {}, "--model is given 3 times"),
        (["a.safetensors", "b.npz"], ["M"], {}, "--model reads a text, and b.npz is a file"),
        (["a.safetensors", "one"], ["M", "N"], {}, "--model reads a text, and a.safetensors is a file"),
        (["one"], [], {"left": "0.0"}, "--left and --right name a head each"),
        (["one"], ["M"], {}, "only one trace is given"),
    ],
)
def test_what_cannot_be_meant_is_told(words, models, heads, message):
    with pytest.raises(UsageError) as caught:
        sides_of(BothOptions(**_both(words, heads)), models)
    assert message in caught.value.message


def _both(words, heads):
    return dict(zip(("first", "second"), [*words, None, None], strict=False)) | {"left": None, "right": None} | heads


def options(**given):
    none = {"device_map": None, "chat": False, "target": None, "image": None}
    return ModelsOptions(**(none | {"model": []} | given))


def test_options_of_the_toy_and_of_a_model_need_one():
    with pytest.raises(UsageError, match="--heads shapes toy attention, but a file brings its own"):
        read_sides([Side(A), Side(B)], Making(ToyOptions(heads=2)), options(), [[], []])
    with pytest.raises(UsageError, match="--chat is for a real model"):
        read_sides([Side(None, "a"), Side(None, "b")], Making(), options(chat=True), [[], []])


def test_a_model_that_reads_both_texts_is_loaded_once(monkeypatch):
    from attnviz.cli.input import compared

    made = []
    maker_of = compared.maker_of
    monkeypatch.setattr(compared, "maker_of", lambda making: made.append(making) or maker_of(making))
    sides = [Side(None, "the queen", "tiny"), Side(None, "the king", "tiny")]
    first, second = read_sides(sides, Making(), options(model=["tiny"]), [[], []])
    assert len(made) == 1
    assert (first.trace.tokens, second.trace.tokens) == (("the", "queen"), ("the", "king"))
    assert len(read_sides(sides, Making(), options(model=["tiny"]), [["0"], ["1"]])[1].trace.layers) == 1
    assert len(made) == 3


def test_files_and_standard_input(folder):
    trace_text("a b", 1).save(folder / "a.safetensors")
    sides = [Side(Path("a.safetensors")), Side(None, "a b")]
    first, second = read_sides(sides, Making(), options(), [[], []])
    assert (first.file, first.trace.tokens) == ("a.safetensors", ("a", "b"))
    assert (second.file, second.trace.tokens) == ("", ("a", "b"))
    [only] = read_sides([Side(None, None, "tiny")], Making(), options(model=["tiny"]), [[]])  # of no pipe, the sample
    assert only.trace.tokens[0] == "Your"


def test_a_text_without_a_model_beside_a_trace_that_is_no_toy_is_told(folder, capsys):
    trace_model("tiny", "the cat").save(folder / "tiny.safetensors")
    text = Side(None, "the cat")
    sources = read_sides([text, Side(Path("tiny.safetensors"))], Making(), options(), [[], []])
    assert [source.trace.source.kind == "toy" for source in sources] == [True, False]
    assert "the text has toy attention, and tiny.safetensors does not: --model DIR_OR_ID" in capsys.readouterr().err
    trace_text("the cat", 2).save(folder / "toy.safetensors")
    read_sides([Side(Path("toy.safetensors")), text], Making(), options(), [[], []])
    read_sides(
        [Side(Path("tiny.safetensors")), text._replace(model="tiny")], Making(), options(model=["tiny"]), [[], []]
    )
    assert capsys.readouterr().err == ""
