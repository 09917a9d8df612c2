"""The tiny model as a person asks for it."""

from __future__ import annotations

import pytest

from attnviz.errors import AttnvizError
from attnviz.sources.tiny.loading import load


def test_without_options_it_is_the_model_in_the_package():
    assert load(device=None).weights.words[0] == "."


@pytest.mark.parametrize("name", ["device", "dtype", "device_map", "tokenizer"])
def test_what_only_a_model_of_torch_takes_is_refused(name):
    with pytest.raises(AttnvizError, match=f"^{name} is for a model of torch") as caught:
        load(**{name: "auto"})
    assert caught.value.hint == "leave it out, or name another model"


def test_a_file_that_training_wrote_is_a_model_of_its_own(tmp_path):
    from attnviz.sources.tiny.weights import shipped_weights, write_weights

    write_weights(tmp_path / "mine.safetensors", shipped_weights())
    model = load(str(tmp_path / "mine.safetensors"), "float32")
    assert (model.name, model.weights.own.dtype) == ("mine.safetensors", "float32")
    assert load().name == "tiny"
    with pytest.raises(AttnvizError, match="does not exist"):
        load(str(tmp_path / "other.safetensors"))
