from pathlib import Path

import pytest
from hypothesis import settings

# The same examples in every run, at any speed of the machine.
settings.register_profile("attnviz", deadline=None, derandomize=True, database=None)
settings.load_profile("attnviz")


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny Llama of random weights and its tokenizer, where an example says DIR_OR_ID."""
    from tiny_models import saved  # not for tests that need no torch

    return saved("Llama", tmp_path_factory.mktemp("llama"))
