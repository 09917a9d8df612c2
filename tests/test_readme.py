"""The README: its pictures, and what it must go on saying. That its commands run is tested in tests/manual."""

import re
from pathlib import Path

import attnviz

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PICTURES = re.findall(r"!\[([^]]*)\]\(([^)]+)\)", README)
WORDS_A_MINUTE = 200


def test_the_pictures_are_there_and_small_and_described():
    assert PICTURES
    for described, name in PICTURES:
        assert len(described) > 20
        assert 0 < (ROOT / name).stat().st_size < 100_000


def test_every_picture_in_the_folder_is_shown():
    there = {path.name for path in (ROOT / ".github").iterdir() if path.is_file()}
    assert there == {Path(name).name for _, name in PICTURES}


def test_the_two_commands_of_a_newcomer_and_the_one_for_tests():
    assert '\npip install . && attnviz explain "Your journey starts"\n' in README
    assert "\npip install -e '.[dev]' && pytest -n auto\n" in README


def test_a_newcomer_reads_it_in_five_minutes():
    prose = re.sub(r"```.*?```", "", README, flags=re.DOTALL)
    assert len(prose.split()) < 5 * WORDS_A_MINUTE


def test_every_link_leads_to_a_file():
    for name in re.findall(r"\]\(([^)]+)\)", README):
        assert (ROOT / name).is_file()


def test_the_versions_agree():
    assert f"## {attnviz.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
