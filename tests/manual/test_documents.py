"""The README and the manual are interfaces: all that they say runs, shows what they show, and names what there is."""

from __future__ import annotations

import re
from enum import EnumType

import pytest
from documents import (
    DOCUMENTS,
    MANUAL,
    README,
    blocks,
    commands,
    problems,
    topics_at_odds,
    unknown_words,
    unnamed_options,
    unnamed_values,
    wrong_links,
)

from attnviz import choices
from attnviz.cli.app import build
from attnviz.cli.options import manual
from attnviz.cli.output import formats
from attnviz.text.manual import Topic, listed_topics

GROUP = build()
TEXTS = {document.name: document.read_text(encoding="utf-8") for document in DOCUMENTS}
CHOICES = [
    kind
    for module in (choices, formats, manual)
    for kind in vars(module).values()
    if isinstance(kind, EnumType) and len(kind)
]
TOPICS = [topic.value for topic in Topic]
WHOLE_MANUAL = "\n".join(path.read_text(encoding="utf-8") for path in MANUAL.glob("*.md"))


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[] if name == "README.md" else [pytest.mark.slow]) for name in TEXTS],
)
def test_all_that_a_document_says_runs_and_shows_what_it_shows(name, tmp_path, model_folder):
    assert problems(TEXTS[name], tmp_path, model_folder) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "```sh\nattnviz nonsense\n```\n",
            "line 2: attnviz nonsense: exit code 2: attnviz: No such command 'nonsense'",
        ),
        ("```sh\nattnviz explain a --nonsense\n```\n", "exit code 2: attnviz: No such option: --nonsense"),
        ("```sh\nattnviz explain a | grep nowhere\n```\n", "exit code 1"),
        ("```sh\nattnviz explain a > a.txt\ntrue\n```\n", "true is not attnviz"),
        ("```sh\ntrue > a.txt\n```\n", "a.txt is not there or is empty"),
        ("```sh\ntrue | true\n```\n", "it prints nothing"),
        (
            "```console\n$ attnviz --version\nattnviz 0.0\n```\n",
            "it is said to print\nattnviz 0.0\nbut prints\nattnviz",
        ),
        ("```console\n$ echo a | cat\na\n…\nb\n```\n", "it is said to print\na\n…\nb\nbut prints\na\n"),
        ("```python\nimport attnviz\nattnviz.nonsense\n```\n", "line 2: AttributeError: module 'attnviz' has no"),
        ("```text\n$ attnviz explain a\n```\n", "line 2: a command in a block of text, which is not run"),
        ("- a list\n  ```sh\n  attnviz nonsense\n  ```\n", "line 3: attnviz nonsense: exit code 2"),
        ("```\nattnviz explain a\n```\n", "a block of no language"),
    ],
)
@pytest.mark.some(4)
def test_a_planted_fault_is_found(text, problem, tmp_path):
    found = problems(text, tmp_path, tmp_path)
    assert [problem in one for one in found] == [True], found


def test_what_is_right_has_no_problem(tmp_path):
    text = "```console\n$ echo a; echo b; echo c\na\n…\nc\n$ echo 'x y'; true\nx y\n```\n```text\n{…}\n```\n"
    assert [command.line for command in commands(text)] == [2, 6]
    assert problems(text, tmp_path, tmp_path) == []


def test_what_sets_attnviz_up_is_left_out():
    text = "```sh\ngit clone <address> attnviz && cd attnviz\npip install . && attnviz explain a\npip install x && pytest\n```\n"
    assert [command.text for command in commands(text)] == ["attnviz explain a"]


def test_every_document_has_something_that_runs():
    runnable = {"sh", "console", "python"}
    silent = [name for name, text in TEXTS.items() if runnable.isdisjoint(block.kind for block in blocks(text))]
    assert silent == ["limits.md"]


@pytest.mark.parametrize("name", GROUP.commands)
@pytest.mark.some(4)
def test_every_option_is_named_in_the_manual(name):
    assert unnamed_options(GROUP, name, WHOLE_MANUAL) == []


def test_an_option_that_is_not_named_is_found():
    planted = re.sub(r"--seed\b", "--seedling", WHOLE_MANUAL)
    assert unnamed_options(GROUP, "explain", planted) == ["--seed"]


def test_every_word_that_an_option_chooses_from_is_named_in_the_manual():
    assert len(CHOICES) > 10
    assert unnamed_values(CHOICES, WHOLE_MANUAL + listed_topics()) == []


def test_a_word_that_is_not_named_is_found():
    assert unnamed_values(CHOICES, (WHOLE_MANUAL + listed_topics()).replace("`alibi`", "")) == ["alibi"]


@pytest.mark.parametrize("name", TEXTS)
def test_all_commands_and_options_that_are_named_exist(name):
    assert unknown_words(GROUP, TEXTS[name]) == []


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ("`attnviz nonsense`", ["attnviz nonsense"]),
        ("`--nonsense N`", ["--nonsense"]),
        ("`attnviz explain --layers 0`", ["--layers"]),
        ("`attnviz explain -x`", ["-x"]),
        ("`attnviz explain --no-causal -o FILE -h`", []),
    ],
)
def test_a_word_that_does_not_exist_is_found(planted, found):
    assert unknown_words(GROUP, planted) == found


def test_every_topic_is_a_file_that_the_readme_links_to():
    assert topics_at_odds(TOPICS, [path.stem for path in MANUAL.iterdir()], TEXTS[README.name]) == set()


@pytest.mark.parametrize(
    ("files", "linked", "found"),
    [
        (["toy", "text"], "[t](attnviz/manual/toy.md)", {"text"}),
        (["toy"], "[t](attnviz/manual/toy.md) [x](attnviz/manual/text.md)", {"text"}),
        (["toy", "text", "more"], "[t](attnviz/manual/toy.md) [x](attnviz/manual/text.md)", {"more"}),
        (["toy", "text"], "[t](attnviz/manual/toy.md) [x](attnviz/manual/text.md)", set()),
    ],
)
def test_a_topic_without_a_file_or_a_link_is_found(files, linked, found):
    assert topics_at_odds(["toy", "text"], files, linked) == found


@pytest.mark.parametrize("topic", Topic)
def test_a_link_of_the_manual_leads_to_the_topic_that_it_names(topic):
    assert wrong_links(TOPICS, TEXTS[f"{topic.value}.md"]) == []


def test_a_link_that_leads_elsewhere_is_found():
    planted = "[`attnviz manual toy`](toy.md) [`attnviz manual toy`](text.md) [toys](toy.md)"
    assert wrong_links(TOPICS, planted) == ["[`attnviz manual toy`](text.md)", "[toys](toy.md)"]


@pytest.mark.parametrize("topic", Topic)
def test_a_topic_begins_with_its_title(topic):
    lines = TEXTS[f"{topic.value}.md"].splitlines()
    assert re.fullmatch(r"# [A-Z].*[^.]", lines[0])
    assert not any(re.match("# ", line) for line in lines[1:])


def test_the_lengths_from_which_maps_are_pooled():
    from attnviz.renderers.heatmap import picture
    from attnviz.renderers.page.limits import USUAL

    assert (
        f"from {picture.MOST_CELLS + 1:,} tokens on (from {picture.MOST_CELLS_OF_SEVERAL + 1:,} with several heads"
        in TEXTS["long.md"]
    )
    assert picture.MOST_CELLS <= picture.SIDE * picture.DPI
    assert picture.MOST_CELLS_OF_SEVERAL <= picture.SIDE_OF_SEVERAL * picture.DPI
    assert f"A text of more than {USUAL.tokens:,} tokens" in TEXTS["page.md"]
