import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace

import ml_dtypes
import numpy
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from safetensors.numpy import save
from strategies import damaged, json_values

from attnviz.attention.arrays import to_numpy
from attnviz.attention.formula import attend
from attnviz.attention.rule import Rule
from attnviz.choices import Position
from attnviz.errors import AttnvizError
from attnviz.sources.toy.toy import Toy
from attnviz.trace.layer import Layer, Projection
from attnviz.trace.trace import Trace, load, numbered

torch.set_warn_always(True)  # torch warns once a process, and so would fail only the first test


def normal(*shape: int) -> numpy.ndarray:
    return numpy.random.default_rng(shape).normal(size=shape)


def self_layer() -> Layer:
    rule = Rule(
        scale=0.3,
        causal=True,
        query_offset=1,
        window=2,
        softcap=7.5,
        mask=numpy.array([[True, True, False]] * 3),
        bias=numpy.where(numpy.eye(3) == 1, -numpy.inf, normal(4, 3, 3)).astype(numpy.float32),
        sinks=normal(4),
    )
    return Layer(
        normal(4, 3, 2),
        normal(2, 3, 2).astype(numpy.float16),
        normal(2, 3, 5).astype(numpy.float32),
        rule,
        index=3,
        name="decoder.ế.attention",
        embeddings=normal(3, 8),
        positions=normal(3, 8),
        projections={
            "query": Projection(normal(8, 8), normal(8)),
            "key": Projection(normal(8, 4)),
            "value": Projection(normal(8, 10), normal(10)),
            "output": Projection(normal(20, 8), normal(8)),
        },
    )


def cross_layer() -> Layer:
    tokens = {"tokens": ("le", "chat"), "key_tokens": ("the", "big", "cat", "\n", "👩‍👧")}
    return Layer(
        normal(1, 2, 3), normal(1, 5, 3), normal(1, 5, 3), Rule(), index=7, name="cross", kind="cross", **tokens
    )


def full_trace() -> Trace:
    source = {"kind": "model", "path": "ế", "seed": 3, "nested": {"list": [1, None, 0.1]}}
    return Trace(("a", '"b"', "\x1b[31m"), (self_layer(), cross_layer(), replace(self_layer(), index=4)), source)


def plain_trace(rule: Rule | None = None, tokens: int = 3) -> Trace:
    query = normal(2, tokens, 2)
    return Trace(numbered(tokens), (Layer(query, query[:1], query[:1], rule or Rule()),))


def parts(layer: Layer) -> dict[str, object]:
    """Everything that ``layer`` holds, by name."""
    projections = {
        f"{name} {part}": getattr(projection, part)
        for name, projection in layer.projections.items()
        for part in ("weight", "bias")
    }
    own = {name: value for name, value in vars(layer).items() if name not in ("rule", "projections", "scale")}
    return own | vars(layer.rule) | projections


def assert_same(loaded: Trace, saved: Trace) -> None:
    assert (loaded.tokens, loaded.source, len(loaded.layers)) == (saved.tokens, saved.source, len(saved.layers))
    for ours, theirs in zip(loaded.layers, saved.layers, strict=True):
        assert parts(ours).keys() == parts(theirs).keys()
        for name, value in parts(theirs).items():
            if isinstance(value, numpy.ndarray):
                assert parts(ours)[name].dtype == value.dtype, name
                assert_array_equal(parts(ours)[name], value)
            else:
                assert parts(ours)[name] == value, name


def test_a_saved_trace_comes_back_exactly(tmp_path):
    full_trace().save(tmp_path / "trace.safetensors")
    assert_same(load(tmp_path / "trace.safetensors"), full_trace())


def test_ten_layers_keep_their_arrays_apart(tmp_path):
    layers = [replace(cross_layer(), index=number, query=normal(1, 2, 3) + number) for number in range(12)]
    saved = Trace(("le", "chat"), tuple(layers))
    saved.save(tmp_path / "trace.safetensors")
    assert_same(load(tmp_path / "trace.safetensors"), saved)


def test_every_toy_trace_comes_back_exactly(tmp_path):
    saved = Toy(heads=2, position=Position.ALIBI).trace("Không có việc gì khó", Rule(causal=True))
    saved.save(tmp_path / "trace.safetensors")
    assert_same(load(tmp_path / "trace.safetensors"), saved)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_a_trace_of_tensors_comes_back_with_the_same_numbers(tmp_path, dtype):
    query = torch.from_numpy(normal(2, 3, 4)).to(dtype)
    rule = Rule(sinks=torch.tensor([0.5, 1.0], dtype=dtype), mask=torch.eye(3, dtype=torch.bool))
    saved = Trace(("a", "b", "c"), (Layer(query.requires_grad_(), query, query, rule),))
    saved.save(tmp_path / "trace.safetensors")
    loaded = load(tmp_path / "trace.safetensors").layers[0]
    assert_array_equal(loaded.query, query.detach().double())
    assert_allclose(loaded.steps().output, to_numpy(saved.layers[0].steps().output), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("dtype", [">f8", "int16", ml_dtypes.bfloat16])
def test_a_trace_of_unusual_arrays_comes_back_with_the_same_numbers(tmp_path, dtype):
    query = (4 * normal(1, 3, 4)).astype(dtype)
    Trace(("a", "b", "c"), (Layer(query, query, query),)).save(tmp_path / "trace.safetensors")
    assert_array_equal(load(tmp_path / "trace.safetensors").layers[0].query, query.astype(numpy.float64))


@pytest.mark.parametrize(
    "options",
    [{"scale": numpy.float32(0.5)}, {"window": numpy.int64(2)}, {"softcap": numpy.float32(2), "causal": numpy.True_}],
)
def test_a_rule_of_numpy_numbers_can_be_saved(tmp_path, options):
    plain_trace(Rule(**options)).save(tmp_path / "trace.safetensors")
    loaded = load(tmp_path / "trace.safetensors").layers[0].rule
    assert {name: getattr(loaded, name) for name in options} == options


def test_a_trace_is_read_without_torch(tmp_path):
    path = tmp_path / "trace.safetensors"
    tensor = torch.from_numpy(normal(2, 3, 4)).bfloat16()
    Trace(("a", "b", "c"), (Layer(tensor, tensor, tensor, Rule(causal=True)),)).save(path)
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "import attnviz\n"
        f"print(attnviz.load({str(path)!r}).layers[0].steps().weights[1, 2].tolist())\n"
    )
    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    expected = attend(tensor, tensor, tensor, causal=True).weights[1, 2]
    assert_allclose(json.loads(printed), expected, rtol=1e-6)


def opened(path, content: bytes) -> None:
    """Load ``content`` and compute all of it: AttnvizError is the only thing that may go wrong."""
    path.write_bytes(content)
    with suppress(AttnvizError):
        trace = load(path)
        assert repr(trace).startswith("Trace(")
        for layer in trace.layers:
            words = (*trace.query_tokens(layer), *trace.key_tokens(layer), layer.name, layer.kind)
            assert {type(word) for word in words} == {str}
            assert type(layer.index) is int
            layer.steps()
            for head in range(layer.heads):
                layer.steps(head)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("traces") / "trace.safetensors"
    full_trace().save(path)
    return path


def test_a_file_cut_short_is_an_error(saved):
    content = saved.read_bytes()
    path = saved.with_name("cut.safetensors")
    for length in [*range(64), *range(64, len(content), 97), len(content) - 1]:
        path.write_bytes(content[:length])
        with pytest.raises(AttnvizError, match=r"not a readable \.safetensors file"):
            load(path)


@settings(max_examples=150)
@given(data=st.data())
def test_a_damaged_file_is_an_error_or_a_trace(saved, data):
    opened(saved.with_name("damaged.safetensors"), data.draw(damaged(saved.read_bytes())))


@settings(max_examples=100)
@given(data=st.data())
def test_a_changed_header_is_an_error_or_a_trace(saved, data):
    content = bytearray(saved.read_bytes())
    header = int.from_bytes(content[:8], "little")
    for position in data.draw(st.lists(st.integers(8, 7 + header), min_size=1, max_size=3)):
        content[position] ^= data.draw(st.integers(1, 255))
    opened(saved.with_name("changed.safetensors"), bytes(content))


RECORD = {
    "tokens": ["a", "b"],
    "source": {},
    "layers": [
        {
            "index": 0,
            "name": "",
            "kind": "self",
            "tokens": None,
            "key_tokens": None,
            "rule": {"scale": 1.0, "causal": True},
        }
    ],
}
PLACES = [
    ("tokens",),
    ("source",),
    ("layers",),
    *(("layers", 0, name) for name in RECORD["layers"][0]),
    *(
        ("layers", 0, "rule", name)
        for name in ("scale", "causal", "query_offset", "window", "softcap", "mask", "other")
    ),
]


def file_of(record: str, **arrays: numpy.ndarray) -> bytes:
    arrays = {name: numpy.ones((1, 2, 2)) for name in ("query", "key", "value")} | arrays
    return save({f"layers.0.{name}": array for name, array in arrays.items()}, {"attnviz": "1", "trace": record})


def test_the_record_of_the_next_tests_is_a_trace(tmp_path):
    (tmp_path / "trace.safetensors").write_bytes(file_of(json.dumps(RECORD)))
    assert load(tmp_path / "trace.safetensors").tokens == ("a", "b")


@pytest.mark.parametrize("place", PLACES, ids=lambda place: ".".join(map(str, place)))
@settings(max_examples=40)
@given(value=json_values())
def test_a_trace_with_another_value_in_its_record_is_an_error_or_a_trace(tmp_path_factory, place, value):
    record = json.loads(json.dumps(RECORD))
    owner = record
    for step in place[:-1]:
        owner = owner[step]
    owner[place[-1]] = value
    opened(tmp_path_factory.getbasetemp() / "record.safetensors", file_of(json.dumps(record)))


@pytest.mark.parametrize(
    "record",
    ["", "[]", "null", "[" * 100_000, json.dumps(RECORD).replace("1.0", "1" + "0" * 400), '{"layers": []}'],
    ids=["empty", "list", "null", "deep", "huge", "no-layers"],
)
def test_a_trace_with_a_broken_record_is_damaged(tmp_path, record):
    (tmp_path / "trace.safetensors").write_bytes(file_of(record))
    with pytest.raises(AttnvizError, match=r"damaged trace|scale is 1000"):
        load(tmp_path / "trace.safetensors")


def test_a_trace_without_one_of_its_arrays_is_damaged(tmp_path):
    content = save({"layers.0.query": numpy.ones((1, 2, 2))}, {"attnviz": "1", "trace": json.dumps(RECORD)})
    (tmp_path / "trace.safetensors").write_bytes(content)
    with pytest.raises(AttnvizError):
        load(tmp_path / "trace.safetensors")


def test_arrays_are_not_a_trace(tmp_path):
    (tmp_path / "arrays.safetensors").write_bytes(save({"query": numpy.ones((2, 2))}))
    with pytest.raises(AttnvizError, match="holds arrays, not a saved trace"):
        load(tmp_path / "arrays.safetensors")


def test_a_trace_of_a_later_format_asks_for_an_update(tmp_path):
    content = save({"query": numpy.ones((2, 2))}, {"attnviz": "2", "trace": "{}"})
    (tmp_path / "trace.safetensors").write_bytes(content)
    with pytest.raises(AttnvizError, match="format 2, this attnviz reads format 1") as error:
        load(tmp_path / "trace.safetensors")
    assert error.value.hint == "update attnviz"


@pytest.mark.parametrize(
    "rule", [Rule(), Rule(causal=True, window=2), self_layer().rule], ids=["plain", "window", "full"]
)
def test_each_head_alone_equals_the_same_head_of_all(rule):
    layer = replace(self_layer(), rule=rule)
    together = layer.steps()
    for head in range(layer.heads):
        for one, every in zip(layer.steps(head), together, strict=True):
            assert_allclose(one, every[head], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shape", [(3,), (1, 3), (3, 3), (1, 3, 3), (4, 3, 3), (4, 1, 3), (1, 1, 1)])
def test_each_head_takes_its_part_of_the_rules_arrays(shape):
    rule = Rule(bias=normal(*shape), mask=normal(*shape) < 1)
    layer = Layer(normal(4, 3, 2), normal(2, 3, 2), normal(2, 3, 2), rule)
    layer.check()
    for head in range(4):
        assert_allclose(layer.steps(head).weights, layer.steps().weights[head], rtol=1e-12, atol=1e-12)


def test_a_head_reads_the_key_head_of_its_group():
    layer = Layer(normal(6, 3, 2), normal(2, 3, 2), normal(2, 3, 2))
    assert [layer.kv_head(head) for head in range(6)] == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(("heads", "key_heads"), [(1, 2), (3, 2)])
def test_heads_that_do_not_divide_are_told_for_one_head_too(heads, key_heads):
    with pytest.raises(AttnvizError, match=f"{heads} query heads"):
        Layer(normal(heads, 3, 2), normal(key_heads, 3, 2), normal(key_heads, 3, 2)).steps(heads - 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"key": normal(2, 3, 4)}, "query has 2 dimensions but key has 4"),
        ({"value": normal(2, 4, 5)}, "key has 3 tokens but value has 4"),
        ({"key": normal(3, 3, 2), "value": normal(3, 3, 2)}, "4 query heads"),
        ({"rule": Rule(mask=numpy.ones((2, 3), dtype=bool))}, r"mask has the shape \(2, 3\)"),
        ({"rule": Rule(bias=numpy.ones((2, 3)))}, r"bias has the shape \(2, 3\)"),
        ({"rule": Rule(bias=numpy.ones((3, 5)))}, r"bias has the shape"),
        ({"rule": Rule(sinks=normal(2))}, "sinks has the shape"),
        ({"query": normal(4, 2, 2), "rule": Rule(causal=True)}, "2 queries and 3 keys"),
    ],
)
def test_a_layer_that_does_not_fit_together_says_so_before_it_is_computed(change, words):
    with pytest.raises(AttnvizError, match=words):
        replace(self_layer(), **change).check()


@pytest.mark.parametrize("shape", [(3,), (1, 2, 3, 4), ()])
def test_a_layer_needs_heads_of_tokens(shape):
    with pytest.raises(AttnvizError, match="query has the shape"):
        Layer(numpy.ones(shape), normal(2, 3, 2), normal(2, 3, 2))


def test_one_head_may_come_without_its_axis():
    assert Layer(normal(3, 2), normal(4, 2), normal(4, 5)).key.shape == (1, 4, 2)


def test_a_trace_needs_a_layer():
    with pytest.raises(AttnvizError, match="at least one layer"):
        Trace(("a",), ())


@pytest.mark.parametrize(
    ("tokens", "layer", "words"),
    [
        (("a", "b"), self_layer(), "2 tokens but query has 3"),
        (("a", "b", "c"), replace(cross_layer(), tokens=("le",)), "1 tokens but query has 2"),
        (("le", "chat"), replace(cross_layer(), key_tokens=("the",)), "1 tokens but key has 5"),
        (("le", "chat"), replace(cross_layer(), key_tokens=None), "2 tokens but key has 5"),
    ],
)
def test_tokens_and_rows_are_as_many(tokens, layer, words):
    with pytest.raises(AttnvizError, match=words):
        Trace(tokens, (layer,))


def test_lone_surrogates_are_written_out_on_every_side():
    layer = replace(cross_layer(), tokens=("\udc80", "b"), key_tokens=("\ud800", *"bcde"))
    trace = Trace(("\udc80", "b"), (layer,))
    assert trace.tokens[0] == trace.query_tokens(trace.layers[0])[0] == r"\udc80"
    assert trace.key_tokens(trace.layers[0])[0] == r"\ud800"


def test_inputs_are_embeddings_and_positions():
    layer = self_layer()
    assert_array_equal(layer.inputs, layer.embeddings + layer.positions)
    assert_array_equal(replace(layer, positions=None).inputs, layer.embeddings)
    assert replace(layer, embeddings=None).inputs is None


def test_the_outputs_of_all_heads_are_projected_side_by_side():
    layer = self_layer()
    outputs, projection = layer.steps().output, layer.projections["output"]
    side_by_side = numpy.concatenate(list(outputs), axis=-1)
    assert_array_equal(layer.concat(outputs), side_by_side)
    assert_allclose(layer.projected(layer.concat(outputs)), side_by_side @ projection.weight + projection.bias)
    assert replace(layer, projections={}).projected(side_by_side) is None


def test_the_scale_of_a_layer_is_what_its_rule_says_or_the_dimensions():
    assert self_layer().scale == 0.3
    assert cross_layer().scale == pytest.approx(3**-0.5)


@pytest.mark.parametrize(("backend", "dtype"), [("numpy", "float32"), ("torch", "float64"), ("torch", "bfloat16")])
def test_a_whole_trace_moves_to_another_backend(backend, dtype):
    moved = full_trace().to(backend, "cpu", dtype).layers[0]
    floats = [value for value in parts(moved).values() if hasattr(value, "dtype") and value is not moved.rule.mask]
    assert len(floats) == 14
    assert {str(array.dtype).removeprefix("torch.") for array in floats} == {dtype}
    assert str(moved.rule.mask.dtype).removeprefix("torch.") == "bool"
    assert_allclose(
        to_numpy(moved.steps().output), self_layer().steps().output, atol=0.05 if dtype == "bfloat16" else 1e-6
    )


def test_attention_beyond_the_memory_is_refused_before_it_is_computed():
    query = numpy.broadcast_to(numpy.float32(1), (64, 1_000_000, 1))
    with pytest.raises(AttnvizError, match="attention of 1,000,000 queries over 1,000,000 keys needs"):
        Layer(query, query, query).steps()


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "trace.safetensors"
    plain_trace().save(path)
    before = path.read_bytes()
    monkeypatch.setattr("safetensors.numpy.save_file", lambda *_: (_ for _ in ()).throw(TypeError))
    with pytest.raises(TypeError):
        plain_trace(tokens=2).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_one_query_is_that_row_of_the_whole():
    mask = numpy.tril(numpy.ones((2, 5, 5), dtype=bool), k=2)
    rule = Rule(
        causal=True,
        window=3,
        softcap=2.0,
        mask=mask,
        bias=numpy.random.default_rng(1).normal(size=(5, 5)),
        sinks=[0.1, 0.2],
    )
    arrays = numpy.random.default_rng(0).normal(size=(3, 2, 5, 4))
    layer = Layer(*arrays, rule)
    for head in range(2):
        for query in range(5):
            for one, whole in zip(layer.steps(head, query), layer.steps(head), strict=True):
                assert_allclose(one[0], whole[query], rtol=1e-12)


@pytest.mark.parametrize("head", [-1, 2, 99])
def test_a_head_that_is_not_there_is_told(head):
    with pytest.raises(AttnvizError, match=f"head {head} does not exist: the layer has heads 0 to 1"):
        Layer(*numpy.ones((3, 2, 3, 4))).steps(head)
