"""What is finished before its turn comes back as it was, from memory or from a disk."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import closing

import pytest

from attnviz.corpora import aside as module
from attnviz.corpora.aside import Aside
from attnviz.errors import AttnvizError

CONTENTS = [b"first", b"", b"third" * 99, b"fourth"]


@pytest.mark.parametrize("memory", [1, 1 << 20])
def test_each_comes_back_in_any_order_while_more_come(memory, monkeypatch):
    monkeypatch.setattr(module, "MEMORY", memory)
    with closing(Aside()) as aside:
        first, second, third = (aside.put(content) for content in CONTENTS[:3])
        assert third() == CONTENTS[2]
        fourth = aside.put(CONTENTS[3])
        assert [taken() for taken in (first, fourth, second)] == [CONTENTS[0], CONTENTS[3], CONTENTS[1]]


def test_no_room_is_kept_once_all_is_taken():
    with closing(Aside()) as aside:
        for _ in range(3):
            taken = [aside.put(content) for content in CONTENTS]
            assert [one() for one in taken] == CONTENTS
            assert aside._stream.seek(0, os.SEEK_END) in (0, None)
            assert aside._stream.tell() == 0


def test_what_is_beyond_memory_lies_on_a_disk_and_in_no_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "MEMORY", 4)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with closing(Aside()) as aside:
        aside.put(b"more than four")
        assert aside._stream._rolled
        assert os.listdir(tmp_path) == []


def test_a_full_disk_is_one_clear_line(monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with closing(Aside()) as aside:
        monkeypatch.setattr(aside._stream, "flush", full)
        with pytest.raises(AttnvizError, match="no space left on device"):
            aside.put(b"content")
