"""How a model is to write: by its own settings, but one text that grows by one token a step."""

from __future__ import annotations

import pytest
import torch
from tiny_models import tokenizer
from writing_models import TEXT, network, unwatched, written

from attnviz import AttnvizError
from attnviz.progress import no_notice
from attnviz.sources.huggingface.generation_settings import generation_settings
from attnviz.trace.written import Sampling


@pytest.mark.parametrize(
    "sampling", [Sampling(temperature=0.7, seed=3), Sampling(top_k=4), Sampling(top_p=0.5, seed=1)]
)
def test_a_draw_is_generates_own_and_leaves_chance_as_it_was(sampling):
    made = network("Llama")
    torch.manual_seed(77)
    before = torch.random.get_rng_state()
    trace = written(made, sampling=sampling)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert trace.source["ids"] == unwatched(made, sampling=sampling)[:-1]
    assert trace.source["sampling"] == sampling._asdict()
    assert trace.source["ids"] != written(made).source["ids"]


def test_the_models_end_token_ends_it():
    made = network("Llama")
    ids = unwatched(made)
    made.generation_config.eos_token_id = [ids[-4]]
    trace = written(made)
    assert trace.source["ids"] == ids[: ids.index(ids[-4], len(tokenizer()(TEXT).input_ids))]
    assert len(trace.generation.chosen) < 6


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cache_implementation": "quantized"}, "a quantised cache"),
        ({"prompt_lookup_num_tokens": 3}, "ask for assisted generation"),
    ],
)
def test_settings_that_make_no_one_map_are_refused(settings, message):
    made = network("Llama")
    made.generation_config.update(**settings)
    with pytest.raises(AttnvizError, match=message):
        written(made)


def test_beams_are_left_out_and_that_is_said():
    made, said = network("Bart"), []
    made.generation_config.num_beams = 4
    trace = written(made, notice=said.append)
    assert said == ["the model's settings ask for 4 beams; attnviz follows one text, without beams"]
    assert trace.source["target_ids"] == unwatched(made)[:-1]


@pytest.mark.parametrize(("pad", "ends", "expected"), [(None, [7, 9], 7), (None, 9, 9), (3, 9, 3), (None, None, None)])
def test_a_text_that_has_ended_is_filled_up_as_generate_does(pad, ends, expected):
    made = network("Llama")
    made.generation_config.pad_token_id, made.generation_config.eos_token_id = pad, ends
    assert generation_settings(made, 3, Sampling(), no_notice).pad_token_id == expected
    assert made.generation_config.pad_token_id == pad  # the model's own stay as they were
