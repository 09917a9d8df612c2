"""What would not fit into memory is refused before it is allocated."""

from __future__ import annotations

import pytest

from attnviz.attention.memory import require_memory
from attnviz.errors import AttnvizError


def test_what_exceeds_the_memory_is_refused_with_its_size():
    require_memory(1 << 20, "a small thing", "")
    with pytest.raises(AttnvizError, match=r"a map needs 1,048,576.0 GiB of memory, more than the .* GiB") as error:
        require_memory(1 << 50, "a map", "make it smaller")
    assert error.value.hint == "make it smaller"


def test_a_machine_that_does_not_say_its_memory_has_a_usual_laptop_s(monkeypatch):
    monkeypatch.delattr("os.sysconf")
    require_memory(4 << 30, "half of it", "")
    with pytest.raises(AttnvizError, match=r"more than the 4.0 GiB it may take"):
        require_memory((4 << 30) + 1, "more than half", "")
