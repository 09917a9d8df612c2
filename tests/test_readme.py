"""The README: its pictures, and what it must go on saying. That its commands run is tested in tests/manual."""

import html
import re
from pathlib import Path

import pytest
from command_line import in_terminal, without_escapes
from documents import blocks, commands

import attnviz

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
VIETNAMESE = ROOT / ".github" / "README.vi.md"
DOCUMENTS = [ROOT / "README.md", VIETNAMESE, *sorted((ROOT / "attnviz" / "manual").glob("*.md"))]
PICTURES = [
    (described, (document.parent / name).resolve())
    for document in DOCUMENTS
    for described, name in re.findall(r"!\[([^]]*)\]\(([^)]+)\)", document.read_text(encoding="utf-8"))
]
WORDS_A_MINUTE = 200


def test_the_pictures_are_there_and_small_and_described():
    assert PICTURES
    for described, path in PICTURES:
        assert len(described) > 20
        assert 0 < path.stat().st_size < 100_000


def test_every_picture_in_the_folder_is_shown():
    there = {path.name for path in (ROOT / ".github").iterdir() if path.is_file() and path != VIETNAMESE}
    assert there == {path.name for _, path in PICTURES}


def words_of(picture: str) -> list[str]:
    """The lines of a terminal that Rich wrote as SVG, without the title in its frame."""
    rows: dict[float, str] = {}
    for row, text in re.findall(r'<text class="[\w-]+-r\d+"[^>]* y="([\d.]+)"[^>]*>(.*?)</text>', picture):
        rows[float(row)] = rows.get(float(row), "") + html.unescape(text).replace("\xa0", " ")
    return [line for row in sorted(rows) if (line := rows[row].strip())]


def test_the_picture_of_a_terminal_is_what_comes_out():
    picture = (ROOT / ".github" / "terminal.svg").read_text(encoding="utf-8")
    shown = in_terminal("explain", "Your journey starts", "--causal", "--step", "masked,weights,output").text
    assert words_of(picture) == [line.strip() for line in without_escapes(shown).splitlines() if line.strip()]


def test_the_two_commands_of_a_newcomer_and_the_one_for_tests():
    assert '\npip install . && attnviz explain "Your journey starts"\n' in README
    assert "\npip install -e '.[dev]' && pytest -n auto\n" in README


def test_what_is_pasted_into_a_shell_holds_no_placeholder():
    blocks = re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
    assert blocks
    assert [line for block in blocks for line in block.splitlines() if re.search(r"<\w[^>]*>", line)] == []


def test_a_newcomer_reads_it_in_five_minutes():
    prose = re.sub(r"```.*?```", "", README, flags=re.DOTALL)
    assert len(prose.split()) < 5 * WORDS_A_MINUTE


@pytest.mark.parametrize("document", [ROOT / "README.md", VIETNAMESE], ids=lambda path: path.name)
def test_every_link_leads_to_a_file(document):
    for name in re.findall(r"\]\(([^)]+)\)", document.read_text(encoding="utf-8")):
        assert (document.parent / name).is_file()


def links(document: Path) -> list[Path]:
    """The files that a document links to and shows, but for the two READMEs themselves."""
    names = re.findall(r"\]\(([^)]+)\)", document.read_text(encoding="utf-8"))
    return [path for name in names if "README" not in (path := (document.parent / name).resolve()).name]


def test_the_vietnamese_readme_says_what_the_english_one_does():
    """The same commands and programs, links and pictures, in the same order; what a command prints is in its language."""
    english, vietnamese = (path.read_text(encoding="utf-8") for path in (ROOT / "README.md", VIETNAMESE))
    assert links(VIETNAMESE) == links(ROOT / "README.md")
    typed = [[one.text.replace(" --lang vi", "") for one in commands(text)] for text in (english, vietnamese)]
    assert typed[1] == typed[0] != []
    programs = [[one.text for one in blocks(text) if one.kind == "python"] for text in (english, vietnamese)]
    assert programs[1] == programs[0] != []
    assert [text.count("\n## ") for text in (english, vietnamese)] == [6, 6]


def test_each_readme_leads_to_the_other():
    assert f"]({VIETNAMESE.relative_to(ROOT)})" in README
    assert "](../README.md)" in VIETNAMESE.read_text(encoding="utf-8")


def test_the_versions_agree():
    assert f"## {attnviz.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
