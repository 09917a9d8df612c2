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
