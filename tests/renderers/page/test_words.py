"""The words of a page, in every language."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import replace
from pathlib import Path

from made_roles import made_role
from random_traces import random_trace

import attnviz
from attnviz import trace_text
from attnviz.choices import Language, MapStep
from attnviz.renderers.page.words import UNSAID, packed_words, words
from attnviz.text.lessons import lessons
from attnviz.trace.selection import select

SCRIPTS = Path(attnviz.__file__).parent / "renderers" / "page" / "script"


def test_the_messages_are_those_of_the_page_in_its_language():
    trace = trace_text("a")
    for language in Language:
        messages = words(trace, select(trace).layers, language)["messages"]
        assert messages["page.close"] == lessons(language).messages["page.close"]
        assert not any(name.startswith("stats.") for name in messages)
        assert "title.scores" in messages
        assert messages.keys().isdisjoint(UNSAID)


def test_what_a_page_does_not_hold_none_of_its_scripts_says():
    scripts = "".join(path.read_text() for path in SCRIPTS.glob("*.js"))
    known = lessons().messages
    assert [name for name in UNSAID if name in scripts or name not in known] == []
    assert [name for name in UNSAID if name.removeprefix("title.") in {*MapStep} - {MapStep.SUMMED}] == []


def test_every_other_language_is_there_and_takes_a_few_kilobytes():
    trace = replace(random_trace(2, 3, 4, 8), roles=(made_role(layer=1, head=2),))
    layers = select(trace).layers
    for language in Language:
        packed = packed_words(trace, layers, language)
        assert set(packed) == {other.value for other in Language} - {language.value}
        for other, text in packed.items():
            assert json.loads(zlib.decompress(base64.b64decode(text))) == json.loads(
                json.dumps(words(trace, layers, Language(other)))
            )
            assert len(text) < 12_000
    assert "roles" in words(trace, layers, Language.VI)
    assert "roles" not in words(random_trace(2, 3, 4, 8), layers, Language.VI)
