"""Which models can be asked, and how they are loaded for it."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
import transformers
from asked_models import asked, drawn_cases, word_tokenizer
from tiny_models import CONFIGS, model, saved

from attnviz import AttnvizError
from attnviz.analysis.roles import find_roles
from attnviz.sources.huggingface import promising
from attnviz.sources.huggingface.answering import load_answering
from attnviz.sources.tiny.grammar import Grammar
from attnviz.trace.asking import ROLES, Questions

CASES = {role: Grammar(f"asking {role}", unseen=True).cases(role, 3) for role in ROLES}
QUESTIONS = Questions(CASES, {}, seed=0)


def of(network, name="Llama"):
    return load_answering(network, word_tokenizer(closed=name == "Bert"))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    made = {}
    for name in ("Llama", "Bert", "T5"):
        made[name] = saved(name, tmp_path_factory.mktemp(name), with_tokenizer=False)
        word_tokenizer(closed=name == "Bert").save_pretrained(made[name])
    return made


def test_a_causal_model_is_loaded_with_its_language_head(folders):
    found = load_answering(folders["Llama"], dtype="float32")
    assert type(found.model.model) is transformers.LlamaForCausalLM
    assert (found.name, found.shape, found.predicts) == (folders["Llama"].name, (2, 4), True)
    assert found.model.found  # while it runs, no more is allowed than while it is loaded


def test_an_encoder_is_loaded_without_any_head(folders):
    found = load_answering(folders["Bert"], device="cpu")
    assert type(found.model.model) is transformers.BertModel
    assert (found.shape, found.predicts) == ((2, 4), False)


def test_of_a_model_with_two_stacks_no_weights_are_read(folders):
    (folders["T5"] / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(AttnvizError, match="T5Config reads with an encoder and writes with a decoder") as error:
        load_answering(folders["T5"])
    assert "\n" not in error.value.message


@pytest.mark.parametrize("name", ["T5", "Bart"])
def test_two_stacks_that_are_loaded_are_refused(name):
    with pytest.raises(
        AttnvizError, match=f"{name}Config reads with an encoder .*: roles are measured in models of one"
    ):
        of(model(name))


def test_a_model_that_is_loaded_is_asked_as_it_is():
    assert of(model("Llama")).predicts
    assert not of(model("Llama").model).predicts  # without its head
    assert not of(model("Bert"), "Bert").predicts  # with one that fills gaps


def test_what_cannot_be_watched_is_told():
    with pytest.raises(AttnvizError, match="XLNetModel computes attention in its own way"):
        of(model("XLNet"))
    with pytest.raises(AttnvizError, match="ViTForImageClassification looks at an image, not at a text") as raised:
        of(model("ViT"))
    assert raised.value.hint == "take a model of text"  # --file IMAGE is no option of roles


def test_a_layer_that_cannot_be_watched_is_told():
    class OwnAttention(torch.nn.Module):
        def forward(self, hidden_states, **_):
            return hidden_states, None

    network = copy.deepcopy(model("Llama"))
    network.model.layers[1].self_attn = OwnAttention()
    with pytest.raises(AttnvizError, match=r"model\.layers\.N\.self_attn of .* computes attention in its own way"):
        of(network)


def test_layers_without_attention_are_told():
    class Nothing(torch.nn.Module):
        def forward(self, hidden_states, **_):
            return hidden_states, None

    network = copy.deepcopy(model("Llama"))
    network.model.layers[0].self_attn = Nothing()
    with pytest.raises(AttnvizError, match=r"of the layers of .* only 1 have attention that can be watched"):
        of(network)


def test_layers_of_other_numbers_of_heads_are_told():
    config = transformers.LlamaConfig(**CONFIGS["Llama"])
    network = transformers.LlamaForCausalLM(config)
    config = copy.deepcopy(config)
    config.num_attention_heads, config.head_dim = 2, 8
    network.model.layers[1].self_attn = transformers.models.llama.modeling_llama.LlamaAttention(config, 1)
    with pytest.raises(AttnvizError, match=r"the layers of .* have 2 or 4 heads"):
        of(network.eval())


def test_roles_are_found_the_same_twice():
    one = of(model("Llama"))
    found = find_roles(one, QUESTIONS)
    assert found == find_roles(of(model("Llama")), QUESTIONS)
    assert [role.role for role in found.roles] == list(ROLES)
    assert (found.tried, found.heads) == (8, 8)
    for role in found.roles:
        assert role.verdict is not None
        assert role.patched is not None


def test_of_many_heads_some_are_tried(monkeypatch):
    monkeypatch.setattr("attnviz.sources.huggingface.answers.FEW", 4)
    monkeypatch.setattr(promising, "BEST", 1)
    assert find_roles(of(model("Llama")), QUESTIONS).tried <= 3


def test_of_an_encoder_only_where_its_heads_look_is_known():
    for role in find_roles(of(model("Bert"), "Bert"), QUESTIONS).roles:
        assert role.verdict is None
        assert role.accuracy is None
        assert 0 <= role.hits.value <= 1


def test_where_no_two_answers_can_be_told_apart_only_where_heads_look_is_known():
    alike = [replace(case, answer="wum", other_answer="wug") for case in CASES["syntax"]]  # both begin with w
    found = find_roles(of(model("Llama")), QUESTIONS._replace(cases=CASES | {"syntax": alike})).roles
    assert [role.role for role in found if role.verdict is None] == ["syntax"]


def test_the_model_is_left_as_it_was():
    network = copy.deepcopy(asked("Llama").model).train()
    answers = of(network).ask(drawn_cases())
    assert answers.right().shape == (len(drawn_cases()),)
    answers.ablated(answers.outputs()[0], [(0, 1)])
    assert network.training
    assert network.config._attn_implementation == "sdpa"
    assert all(parameter.grad is None for parameter in network.parameters())


def test_half_precision_is_asked_in_it():
    network = model("Llama", torch.bfloat16)
    answers = of(network).ask(drawn_cases())
    assert answers.right().dtype == bool
    assert network.dtype is torch.bfloat16
