"""--backend torch computes the same numbers as NumPy."""

from __future__ import annotations

import json
from typing import Any

import numpy
import pytest
from command_line import attnviz, done

pytest.importorskip("torch")

TEXT = "Your journey starts with one step"
KINDS = [
    (),
    ("--causal",),
    ("--heads", 2, "--causal"),
    ("--project", "--scale", 0.3),
    ("--window", 2, "--softcap", 1.5),
    ("--heads", 2, "--position", "rope"),
    ("--heads", 2, "--position", "alibi", "--causal"),
    ("--position", "sinusoidal", "--no-scale"),
]


def assert_close(one: Any, other: Any, tolerance: float) -> None:
    """The same JSON, its fractions within ``tolerance``."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert list(one) == list(other)
        one, other = list(one.values()), list(other.values())
    if isinstance(one, list):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_close(left, right, tolerance)
    elif isinstance(one, float):
        assert one == pytest.approx(other, rel=tolerance, abs=tolerance)
    else:
        assert one == other


def both(*arguments: Any) -> list[Any]:
    """What NumPy computes and what torch computes."""
    return [
        json.loads(done("explain", *arguments, "--format", "json", "--backend", backend).stdout)
        for backend in ("numpy", "torch")
    ]


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-6)])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_numbers_are_the_same(kind, dtype, tolerance):
    assert_close(*both(TEXT, *kind, "--dtype", dtype), tolerance)


def test_the_numbers_of_arrays_with_every_extra_are_the_same(folder):
    random = numpy.random.default_rng(1)
    numpy.savez(
        folder / "arrays.npz",
        query=random.normal(size=(4, 3, 5)),
        key=random.normal(size=(2, 6, 5)),
        value=random.normal(size=(2, 6, 4)),
        mask=random.random((4, 3, 6)) < 0.6,
        bias=random.normal(size=(3, 6)),
        sinks=random.normal(size=4),
    )
    assert_close(*both("--from", "arrays.npz", "--causal", "--query-offset", 3), 1e-12)


@pytest.mark.parametrize("kind", KINDS[:4], ids=str)
def test_the_tables_are_the_same(kind):
    tensors, arrays = (done("explain", TEXT, *kind, *more).lines for more in (("--backend", "torch"), ()))
    assert tensors[:-1] == arrays[:-1]  # the last names the command


@pytest.mark.parametrize("step", ["masked", "weights"])
def test_the_values_that_decide_a_picture_are_the_same(step):
    from attnviz import trace_text
    from attnviz.choices import MapStep
    from attnviz.renderers.heatmap.picture import decide
    from attnviz.trace.selection import select

    trace = trace_text(TEXT, heads=2, causal=True)
    one, other = (decide(each, select(each), MapStep(step)) for each in (trace, trace.to("torch")))
    assert one._replace(panels=(), scale=None) == other._replace(panels=(), scale=None)
    numpy.testing.assert_allclose(one.scale, other.scale, rtol=1e-12)
    for panel, same in zip(one.panels, other.panels, strict=True):
        numpy.testing.assert_allclose(panel.values, same.values, rtol=1e-12)


@pytest.mark.parametrize("form", ["png", "svg", "term"])
@pytest.mark.some(2)
def test_the_pictures_are_the_same(form):
    arguments = ("heatmap", TEXT, "--heads", 2, "--causal", "-o", "-", "--format", form)
    assert done(*arguments, "--backend", "torch") == done(*arguments)


@pytest.mark.parametrize(
    "options", [("--backend", "torch"), ("--device", "cpu"), ("--backend", "torch", "--device", "cpu")]
)
def test_a_device_brings_torch_along(options):
    assert done("explain", TEXT, *options, "--format", "json") == done(
        "explain", TEXT, "--backend", "torch", "--format", "json"
    )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("command", [("explain",), ("explain", "--format", "csv"), ("heatmap", "--format", "term")])
def test_every_type_of_numbers_can_be_shown(command, dtype):
    result = attnviz(*command, TEXT, "--backend", "torch", "--dtype", dtype)
    assert (result.code, result.stderr) == (0, "")
    assert "nan" not in result.text


def test_arithmetic_and_sinks_of_tensors_can_be_shown(folder):
    arrays = {name: [[1.0, 2.0], [0.5, 0.25]] for name in ("query", "key", "value")}
    (folder / "arrays.json").write_text(json.dumps(arrays | {"sinks": [0.5]}))
    arguments = ("explain", "--from", "arrays.json", "--query", 0, "--key", 1)
    assert done(*arguments, "--backend", "torch").lines[:-1] == done(*arguments).lines[:-1]


def test_a_trace_of_tensors_can_be_saved():
    done("explain", TEXT, "--heads", 2, "--backend", "torch", "--dtype", "bfloat16", "-o", "saved.safetensors")
    tensors, saved = (
        json.loads(done("explain", *source, "--format", "json").stdout)
        for source in (
            (TEXT, "--heads", 2, "--backend", "torch", "--dtype", "bfloat16"),
            ("--from", "saved.safetensors"),
        )
    )
    assert_close(saved, tensors, 1e-6)


def test_a_device_that_this_machine_lacks_is_an_error():
    import torch

    device = "mps" if torch.cuda.is_available() else "cuda"
    result = attnviz("explain", TEXT, "--device", device)
    assert (result.code, result.stdout) == (1, b"")
    assert result.stderr.startswith(f"attnviz: torch cannot use the device {device}: ")
