"""The course as a page: whole, offline, in both languages, with the numbers of the terminal."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from attnviz import learn
from attnviz.choices import Language
from attnviz.renderers.course.page import title, to_html
from attnviz.renderers.shared.matrix import Matrix
from attnviz.text.course import chapters

VOID = {"meta", "link", "img", "br"}


class Balanced(HTMLParser):
    """Whether every element is closed where it should be, and what addresses stand in it."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.addresses = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.addresses += [value for name, value in attrs if name in ("href", "src")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module", params=list(Language))
def page(request):
    language = request.param
    lessons = [learn(chapter.number, language=language) for chapter in chapters(language)]
    return language, lessons, to_html(lessons, language)


def test_it_is_one_document_that_loads_nothing(page):
    language, lessons, html = page
    parser = Balanced()
    parser.feed(html)
    assert parser.open == []
    assert parser.addresses == [f"#chapter-{lesson.chapter.number}" for lesson in lessons]
    assert {"script", "link", "img", "iframe"}.isdisjoint(parser.seen)
    assert f'<html lang="{language.value}">' in html
    assert not re.search(r"https?://|url\(|@import", html)
    assert len(html.encode()) < 60_000


def test_it_has_the_numbers_of_every_table(page):
    _, lessons, html = page
    tables = re.findall(r"<table>.*?</table>", html, re.DOTALL)
    cells = iter([re.findall("<td[^>]*>([^<]*)</td>", one) for one in tables])
    for lesson in lessons:
        for part in lesson.parts:
            for piece in getattr(part, "pieces", ()):
                if isinstance(piece, Matrix):
                    assert next(cells) == [cell for row in piece.cells for cell in row]
    assert next(cells, None) is None


def test_every_chapter_is_there_under_its_link(page):
    language, _, html = page
    for chapter in chapters(language):
        assert f'<section id="chapter-{chapter.number}">\n<h2>{chapter.number} · {chapter.title}</h2>' in html


def test_a_hostile_sentence_is_text():
    html = to_html([learn(1, text="<script>alert(1)</script> \udc80 \x1b[31m")], Language.EN)
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "\x1b" not in html
    html.encode()


def test_one_chapter_is_called_by_its_name():
    assert title([learn(2)]) == "2 · Scaling, and why"
    assert title([learn(1), learn(2)]) == "Attention in 2 short chapters"
