"""What a model's own files may ask for; folders that ask for more are in tests/support/hostile_models.py."""

from __future__ import annotations

import json

import pytest
from hostile_models import rewrite
from transformers import AttentionInterface

from attnviz import AttnvizError, trace_model
from attnviz.sources.huggingface.loading.settings import read_config
from attnviz.sources.huggingface.seams import BUILT_IN

TEXT = "Your journey starts with one step"


@pytest.mark.parametrize("asked", [*BUILT_IN, None, True, {"": "eager", "text_config": None}, {"a": {"b": ["sdpa"]}}])
def test_what_transformers_builds_in_may_be_asked_for(llama, asked):
    rewrite(llama / "config.json", attn_implementation=asked, _attn_implementation_autoset=True)
    assert read_config("mine", llama)["attn_implementation"] == asked


def test_the_list_is_that_of_transformers():
    assert {name for name in AttentionInterface._global_mapping if "|" not in name} - {"attnviz"} <= set(BUILT_IN)


@pytest.mark.parametrize("asked", ["flash_attention_2", "flash_attention_3", "flex_attention", "eager", "sdpa"])
@pytest.mark.some(2)
def test_a_model_that_asks_for_another_kernel_computes_the_same(folders, llama, asked):
    """Without its package: a watched model computes with sdpa or plain code in any case."""
    rewrite(llama / "config.json", _attn_implementation=asked, attn_implementation=asked)
    trace, expected = trace_model(llama, TEXT), trace_model(folders / "Llama", TEXT)
    assert trace.layers[1].query.sub(expected.layers[1].query).abs().max() < 1e-5
    assert trace.source["agreement"]["largest_error"] < 1e-5


@pytest.mark.parametrize("field", ["attn_implementation", "vision_attention_implementation", "_Experts_Implementation"])
def test_the_field_the_file_and_the_value_are_named(llama, field):
    rewrite(llama / "config.json", text_config={field: "owner/kernel"})
    with pytest.raises(
        AttnvizError, match=rf"config\.json of mine has {field} = 'owner/kernel': expected eager, sdpa, "
    ) as told:
        read_config("mine", llama)
    assert told.value.hint == "attnviz runs no code that a model names; take this field out of the file"


def test_a_very_long_value_is_cut(llama):
    rewrite(llama / "config.json", attn_implementation="x" * 10**6, num_layers=10**400)
    with pytest.raises(AttnvizError) as told:
        read_config("mine", llama)
    assert len(told.value.message) < 500


def test_older_settings_are_looked_at_too(llama):
    rewrite(llama / "config.json", configuration_files=["config.4.0.0.json"])
    assert read_config("mine", llama)
    (llama / "config.4.0.0.json").write_text(json.dumps({"attn_implementation": "owner/kernel"}))
    with pytest.raises(AttnvizError, match=r"config\.4\.0\.0\.json of mine has attn_implementation"):
        read_config("mine", llama)


def test_settings_of_any_depth_are_looked_at(llama):
    deep = '{"a": ' * 300 + '{"attn_implementation": "owner/kernel"}' + "}" * 300
    (llama / "config.json").write_text(deep)
    with pytest.raises(AttnvizError, match="owner/kernel"):
        read_config("mine", llama)


def test_a_folder_without_settings_is_no_models(tmp_path):
    with pytest.raises(AttnvizError, match=r"holds no config\.json: it is not a model's folder"):
        read_config("mine", tmp_path)


@pytest.mark.parametrize(
    ("field", "layers"),
    [
        ("num_hidden_layers", 10**6),
        ("n_layer", 2**64),
        ("depths", [2, 10**12]),
        ("num_experts", 10**9),
        ("num_hidden_groups", 10**9),
        ("inner_group_num", 10**9),
        ("num_labels", 10**9),
    ],
)
def test_more_layers_than_can_be_built_are_told_at_once(llama, field, layers):
    rewrite(llama / "config.json", text_config={field: layers}, block_size=10**6)
    with pytest.raises(AttnvizError, match=rf"{field} = \d+: at most 100?,000 are built"):
        read_config("mine", llama)


@pytest.mark.parametrize(
    ("file", "settings", "message"),
    [
        ("tokenizer_config.json", {"fast_tokenizer_files": ["../tokenizer.1.0.json"]}, "fast_tokenizer_files"),
        ("preprocessor_config.json", {"class_info_file": "/etc/a.json"}, "class_info_file"),
        ("preprocessor_config.json", {"repo_path": "owner/model"}, "asks for files of another model"),
        (
            "config.json",
            {"transformers_weights": 5},
            "transformers_weights = 5: expected the name of a .safetensors or",
        ),
    ],
)
def test_files_elsewhere_may_not_be_asked_for(llama, file, settings, message):
    if file == "config.json":
        rewrite(llama / file, **settings)
    else:
        (llama / file).write_text(json.dumps(settings))
    with pytest.raises(AttnvizError, match=message):
        read_config("mine", llama)
