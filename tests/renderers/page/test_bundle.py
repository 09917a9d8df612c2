"""How modules become one script, and a page one document."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re

import pytest

from attnviz.choices import Language
from attnviz.renderers.page import bundle
from attnviz.renderers.page.words import PAGE_GROUPS
from attnviz.text.lessons import lessons


def test_every_message_of_the_page_is_said_by_a_script():
    script = bundle.scripts()
    names = {name for name in lessons(Language.EN).messages if name.partition(".")[0] in PAGE_GROUPS}
    families = (
        "page.sort_",
        "page.theme",
        "page.copy_",
        "page.contour_",
        "page.language",
        "page.nothing_",
        "page.rounded_",
        "page.overview",
        "page.matrix",
        "page.lines",
        "page.text",
        "page.image",
        "page.steps",
        "pattern.",  # test_patterns.py
        "meaning.",
    )
    assert {name for name in names if f'"{name}"' not in script and not name.startswith(families)} == set()


def test_modules_come_after_those_they_import():
    sources = {
        "main": 'import { a } from "./one.js";\nimport { b } from "./two.js";\n',
        "one": 'import { b } from "./two.js";\n',
        "two": "",
        "unused": "",
    }
    assert bundle.in_order(sources) == ["two", "one", "main"]
    with pytest.raises(ValueError, match="import each other: main → one → main"):
        bundle.in_order({"main": 'import { a } from "./one.js";\n', "one": 'import { b } from "./main.js";\n'})


def test_a_module_becomes_a_function_of_what_it_exports():
    source = 'import { a } from "./one.js";\nexport const b = a;\nexport async function c() {}\nfunction d() {}\n'
    assert bundle.as_function("two", source) == (
        "const module_two = (() => {\nconst { a } = module_one;\nconst b = a;\nasync function c() {}\nfunction d() {}\n"
        "return { b, c };\n})();"
    )
    with pytest.raises(ValueError, match="does not know"):
        bundle.as_function("two", 'import a from "./one.js";\n')


def test_every_module_is_used():
    script = bundle.scripts()
    for path in (bundle.FOLDER / "script").glob("*.js"):
        assert f"const module_{path.stem} = " in script


def test_what_is_put_into_the_document_stays_what_it_is():
    """Nothing ends its element, and nothing that is put in is looked at again."""
    hostile = "</script><!-- {{script}} $& \\1"
    page = bundle.document(hostile, "en", {"token": hostile}, ["AAAA", "BBBB"])
    assert f"<title>{html.escape(hostile)}</title>" in page
    [record] = re.findall(r'<script[^>]* id="record">(.*?)</script>', page, re.DOTALL)
    assert json.loads(record) == {"token": hostile}
    assert re.findall(r'id="blob-(\d)">(\w+)</script>', page) == [("0", "AAAA"), ("1", "BBBB")]


def test_only_this_very_script_and_style_may_run():
    page = bundle.document("", "vi", {}, [])
    assert '<html lang="vi">' in page
    policy = html.unescape(re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1])
    for kind, content in (("script", bundle.scripts()), ("style", bundle.styles())):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}';" in policy
        assert page.count(content) == 1


def test_style_sheets_come_in_the_order_of_their_names():
    sheets = [path.read_text("utf-8") for path in sorted((bundle.FOLDER / "style").glob("*.css"))]
    places = [bundle.styles().index(sheet) for sheet in sheets]
    assert places == sorted(places)
    assert len(set(places)) == len(sheets) > 5


def test_a_record_that_json_cannot_say_is_refused():
    with pytest.raises(ValueError, match="not JSON compliant"):
        bundle.document("", "en", {"error": float("nan")}, [])
