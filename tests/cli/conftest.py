"""Every test of the command line works in an empty folder, in surroundings that change nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from command_line import UNWANTED

from attnviz.choices import Language
from attnviz.cli.language import speak


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The empty folder in which the test works."""
    monkeypatch.chdir(tmp_path)
    speak(Language.EN)
    for name in UNWANTED:
        if name in os.environ:
            monkeypatch.delenv(name)
    return tmp_path
