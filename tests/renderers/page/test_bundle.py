"""How modules become one script, and a page one document."""

from __future__ import annotations

import pytest

from attnviz.choices import Language
from attnviz.renderers.page import bundle
from attnviz.text.lessons import lessons


def test_every_message_of_the_page_is_said_by_a_script():
    script = bundle.scripts()
    names = {name for name in lessons(Language.EN).messages if name.startswith("page.")}
    families = ("page.sort_", "page.nothing_", "page.overview", "page.matrix", "page.lines", "page.text", "page.steps")
    assert {name for name in names if f'"{name}"' not in script and not name.startswith(families)} == set()


def test_modules_come_after_those_they_import():
    sources = {
        "main": 'import { a } from "./one.js";\nimport { b } from "./two.js";\n',
        "one": 'import { b } from "./two.js";\n',
        "two": "",
        "unused": "",
    }
    assert bundle._ordered(sources) == ["two", "one", "main"]
    with pytest.raises(ValueError, match="import each other: main → one → main"):
        bundle._ordered({"main": 'import { a } from "./one.js";\n', "one": 'import { b } from "./main.js";\n'})


def test_a_module_becomes_a_function_of_what_it_exports():
    source = 'import { a } from "./one.js";\nexport const b = a;\nexport async function c() {}\nfunction d() {}\n'
    assert bundle._function("two", source) == (
        "const module_two = (() => {\nconst { a } = module_one;\nconst b = a;\nasync function c() {}\nfunction d() {}\n"
        "return { b, c };\n})();"
    )
    with pytest.raises(ValueError, match="does not know"):
        bundle._function("two", 'import a from "./one.js";\n')


def test_every_module_is_used():
    script = bundle.scripts()
    for path in (bundle.FOLDER / "script").glob("*.js"):
        assert f"const module_{path.stem} = " in script
