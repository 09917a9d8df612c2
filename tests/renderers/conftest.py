"""What the tests of the renderers share: traces of every kind, consoles of a fixed width, and the golden files.

The files in tests/golden/ are what explain prints on a console of a fixed width, without colour. After a change that
is meant, write them again and read the difference:

    ATTNVIZ_WRITE_GOLDEN=1 pytest tests/renderers/explain/test_tables.py && git diff tests/golden
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
from rich.console import Console

from attnviz import Layer, Projection, Rule, Trace, trace_text
from attnviz.choices import Language, Step
from attnviz.renderers.explain.document import Heading, Section, one_by_one
from attnviz.renderers.explain.sections import explain
from attnviz.renderers.shared.matrix import Looks
from attnviz.text.lessons import lessons
from attnviz.trace.selection import Selection, select

GOLDEN = Path(__file__).parent.parent / "golden"
SENTENCE = "Your journey starts with one step"
BLIND = numpy.array([[True, False, True], [False, False, False], [True, True, True]])


def made(
    queries: int = 3,
    keys: int | None = None,
    *,
    heads: int = 1,
    kv_heads: int | None = None,
    dimension: int = 4,
    size: float = 1.0,
    dtype: str = "float64",
    tokens: tuple[str, ...] | None = None,
    key_tokens: tuple[str, ...] | None = None,
    **rule: Any,
) -> Trace:
    """A trace of seeded numbers; ``size`` is their standard deviation, ``rule`` the layer's."""
    draw = numpy.random.default_rng(queries * 1000 + (keys or 0) * 10 + heads)
    kv_shape = (kv_heads or heads, keys or queries, dimension)
    query, key, value = (
        (draw.standard_normal(shape) * size).astype(dtype)
        for shape in ((heads, queries, dimension), kv_shape, kv_shape)
    )
    if keys is not None and key_tokens is None:
        key_tokens = tuple(f"key{place}" for place in range(keys))
    layer = Layer(query, key, value, Rule(**rule), key_tokens=key_tokens)
    return Trace(tokens or tuple(f"word{place}" for place in range(queries)), (layer,))


def with_biases() -> Trace:
    """Two heads whose projections have biases."""
    trace = trace_text("Your journey starts", heads=2)
    layer = trace.layers[0]
    biased = {name: Projection(one.weight, numpy.arange(8) / 8) for name, one in layer.projections.items()}
    return Trace(trace.tokens, (Layer(layer.query, layer.key, layer.value, projections=biased),), trace.source)


# One trace for each way in which an explanation may differ.
TRACES: dict[str, Callable[[], Trace]] = {
    "plain": lambda: trace_text(SENTENCE),
    "one token": lambda: trace_text("Your"),
    "forty tokens": lambda: trace_text(" ".join(f"w{place}" for place in range(40)), causal=True),
    "projected": lambda: trace_text(SENTENCE, project=True),
    "four heads": lambda: trace_text(SENTENCE, heads=4),
    "biases": with_biases,
    "sinusoidal": lambda: trace_text(SENTENCE, position="sinusoidal"),
    "rope": lambda: trace_text(SENTENCE, heads=4, position="rope"),
    "alibi": lambda: trace_text(SENTENCE, heads=4, position="alibi", causal=True),
    "causal": lambda: trace_text(SENTENCE, causal=True),
    "window": lambda: trace_text(SENTENCE, causal=True, window=2),
    "wide window": lambda: made(6, 6, window=2),
    "softcap": lambda: trace_text(SENTENCE, softcap=2.5),
    "scale 1": lambda: trace_text(SENTENCE, scale=1.0),
    "scale 0.3": lambda: trace_text(SENTENCE, scale=0.3, softcap=1.0),
    "grouped heads": lambda: made(4, heads=4, kv_heads=2),
    "mask": lambda: made(mask=BLIND),
    "all blind": lambda: made(5, mask=numpy.zeros((5, 5), bool)),
    "bias": lambda: made(bias=numpy.array([[0.5, -1.0, -numpy.inf]] * 3)),
    "lowered": lambda: made(5, window=3, bias=numpy.triu(numpy.full((5, 5), -1e9), 1)),
    "sinks": lambda: made(heads=2, sinks=numpy.array([0.5, -1.0])),
    "blind with sinks": lambda: made(mask=BLIND, sinks=numpy.array([0.25])),
    "cross": lambda: made(3, 5, heads=2),
    "cross, causal": lambda: made(2, 5, causal=True, query_offset=3),
    "large scores": lambda: made(size=30.0),
    "float32": lambda: made(dtype="float32", dimension=7),
}


@pytest.fixture(scope="session")
def make() -> Callable[..., Trace]:
    return made


@pytest.fixture(params=TRACES, scope="session")
def trace(request: pytest.FixtureRequest) -> Trace:
    """Each trace of ``TRACES`` in turn."""
    return TRACES[request.param]()


@pytest.fixture(scope="session")
def traces() -> dict[str, Callable[[], Trace]]:
    return TRACES


@pytest.fixture(scope="session")
def told() -> Callable[..., list[Heading | Section]]:
    """told(trace, lang="vi", precision=2, query="0", step=["weights"], …) → what explain says of it, one part after the other.

    Every head is walked in full, unless ``every`` says otherwise; side_by_side=True leaves together what stands side by side.
    """

    def tell(trace: Trace, lang: str = "en", **words: Any) -> list[Heading | Section]:
        looks = {
            name: words.pop(name) for name in ("precision", "max_tokens", "quiet", "top", "every") if name in words
        }
        together = words.pop("side_by_side", False)
        selection = words.pop("selection", None) or chosen(trace, **words)
        parts = explain(trace, selection, Looks(lessons(Language(lang)), **{"every": True} | looks))
        return list(parts if together else one_by_one(parts))

    return tell


def chosen(trace: Trace, **words: Any) -> Selection:
    return select(trace, **words | {"step": [Step(step) for step in words.get("step", ())]})


@pytest.fixture(scope="session")
def console() -> Callable[..., Console]:
    """console(width, colour="truecolor") → a Rich console as the command line makes it, of a fixed width."""

    def make(width: int, colour: str | None = None) -> Console:
        return Console(
            file=io.StringIO(),
            width=width,
            color_system=colour,  # type: ignore[arg-type]
            force_terminal=colour is not None,
            legacy_windows=False,
            highlight=False,
            emoji=False,
            markup=False,
            _environ={},
        )

    return make


@pytest.fixture(scope="session")
def rendered(console: Callable[..., Console]) -> Callable[..., list[str]]:
    """rendered(renderable, width, colour=None) → its lines as a console prints them, those that are too wide uncropped."""

    def render(renderable: Any, width: int, colour: str | None = None) -> list[str]:
        target = console(width, colour)
        with target.capture() as capture:
            target.print(renderable, end="", crop=False)
        return capture.get().splitlines()

    return render


@pytest.fixture(scope="session")
def golden() -> Callable[[str, str], None]:
    """golden(name, text): ``text`` is what tests/golden/``name`` holds."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if os.environ.get("ATTNVIZ_WRITE_GOLDEN"):
            path.write_text(text, encoding="utf-8", newline="\n")
        assert text == path.read_text(encoding="utf-8")

    return compare
