"""The language of a run: --lang, then ATTNVIZ_LANG, then the locale, then English; for results, notices, errors and help."""

from __future__ import annotations

import pytest
from command_line import attnviz, done

from attnviz.choices import Language
from attnviz.cli.language import LOCALE, asked, of_locale, spoken

EN, VI = Language.EN, Language.VI


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    for name in (*LOCALE, "ATTNVIZ_LANG"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("arguments", "variables", "language"),
    [
        ([], {}, EN),
        (["explain", "--lang", "vi"], {}, VI),
        (["explain", "--lang=vi"], {}, VI),
        (["explain", "--lang", "VI"], {}, VI),
        (["--lang", "vi", "explain"], {"ATTNVIZ_LANG": "en"}, VI),
        (["explain", "--lang", "vi", "--lang", "en"], {}, EN),
        (["explain", "--lang", "vi", "--lang=en"], {}, EN),
        (["explain", "--lang=en", "--lang", "vi"], {}, VI),
        (["explain", "--", "--lang", "vi"], {}, EN),
        (["explain", "--lang"], {}, EN),
        (["explain", "--lang", "fr"], {"LANG": "vi_VN.UTF-8"}, VI),
        ([], {"ATTNVIZ_LANG": "vi"}, VI),
        ([], {"ATTNVIZ_LANG": "en", "LANG": "vi_VN.UTF-8"}, EN),
        ([], {"LANG": "vi_VN.UTF-8"}, VI),
        ([], {"ATTNVIZ_LANG": "vi_VN.UTF-8"}, VI),
        ([], {"ATTNVIZ_LANG": "fr", "LANG": "vi_VN.UTF-8"}, EN),
        ([], {"LANG": "vi"}, VI),
        ([], {"LC_MESSAGES": "vi_VN", "LANG": "en_US.UTF-8"}, VI),
        ([], {"LC_ALL": "C", "LC_MESSAGES": "vi_VN", "LANG": "vi_VN"}, EN),
        ([], {"LC_ALL": "", "LANG": "vi_VN@euro"}, VI),
        ([], {"LANG": "vie"}, EN),
        ([], {"LANG": "fr_FR.UTF-8"}, EN),
        ([], {"LANG": "C.UTF-8"}, EN),
    ],
)
def test_what_asks_for_a_language(monkeypatch, arguments, variables, language):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert asked(arguments) is language


def test_without_a_locale_it_is_english():
    assert of_locale() is EN


@pytest.mark.parametrize("variables", [{"ATTNVIZ_LANG": "vi"}, {"LANG": "vi_VN.UTF-8"}])
def test_a_result_is_in_the_language_of_the_surroundings(monkeypatch, variables):
    english = done("explain", "a b", "--step", "weights").text
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    vietnamese = done("explain", "a b", "--step", "weights").text
    assert "Trọng số" in vietnamese
    assert "Weights" not in vietnamese
    assert done("explain", "a b", "--step", "weights", "--lang", "en").text == english


def test_the_language_before_the_command_holds_for_it():
    assert done("--lang=en", "--lang", "vi", "stats", "a b").text == done("stats", "a b", "--lang", "vi").text
    assert done("--lang", "vi", "stats", "a b").text == done("stats", "a b", "--lang", "vi").text
    assert "số văn bản: 1" in done("--lang", "vi", "stats", "a b").text


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["explain", ""], 1, "attnviz: văn bản trống\nattnviz: gợi ý: hãy nhập ít nhất một từ\n"),
        (["explain", "a", "--head", "7"], 2, None),
        (["explain", "--from", "no.npz"], 1, "attnviz: no.npz không tồn tại\n"),
        (["nope"], 2, "attnviz: Không có lệnh 'nope'.\nattnviz: gợi ý: attnviz --help\n"),
        (
            ["explain", "a", "b"],
            2,
            'attnviz: Thừa đối số (b)\nattnviz: gợi ý: đặt văn bản trong dấu ngoặc kép: attnviz explain "…"\n',
        ),
        (
            ["explain", "--top", "0"],
            2,
            "attnviz: Giá trị không hợp lệ cho '--top': 0 nằm ngoài khoảng cho phép: phải từ 1 trở lên\n"
            "attnviz: gợi ý: attnviz explain --help\n",
        ),
        (
            ["explain", "a", "--scale", "inf"],
            2,
            "attnviz: --scale là inf: phải là số hữu hạn\n",
        ),
        (
            ["explain", "a", "--step", "nope"],
            2,
            None,
        ),
    ],
)
def test_errors_are_told_in_it_and_end_with_the_same_code(arguments, code, said):
    english = attnviz(*arguments)
    vietnamese = attnviz("--lang", "vi", *arguments)
    assert vietnamese.stdout == english.stdout == b""
    assert english.code == vietnamese.code
    assert (vietnamese.code == code) or said is None
    assert len(vietnamese.stderr.splitlines()) == len(english.stderr.splitlines())
    assert vietnamese.stderr != english.stderr
    if said is not None:
        assert vietnamese.stderr == said


def test_a_notice_is_told_in_it():
    result = attnviz("explain", "--lines", "--lang", "vi", stdin=b"a b\n\nc d\n\n")
    assert result.stderr == "attnviz: đã bỏ qua 2 dòng trống\n"


def test_a_language_that_there_is_not_is_wrong_usage(monkeypatch):
    monkeypatch.setenv("ATTNVIZ_LANG", "fr")
    result = attnviz("stats", "a", "--lang", "fr")
    assert (result.code, result.stdout) == (2, b"")
    assert "'fr' is not one of en, vi" in result.stderr
    assert "so this is in English" not in result.stderr


@pytest.mark.parametrize("value", ["fr", "fr_FR.UTF-8", "vie", "C"])
def test_a_variable_of_another_language_means_english_and_says_so(monkeypatch, value):
    english = done("stats", "a b")
    monkeypatch.setenv("LANG", "vi_VN.UTF-8")
    monkeypatch.setenv("ATTNVIZ_LANG", value)
    result = attnviz("stats", "a b")
    assert (result.code, result.text) == (0, english.text)
    assert result.stderr == f"attnviz: ATTNVIZ_LANG is {value}: the languages are en or vi, so this is in English\n"
    assert attnviz("stats", "a b", "--lang", "vi").stderr == ""


@pytest.mark.parametrize("value", ["vi", "VI", "vi_VN", "vi_VN.UTF-8", "en_GB.UTF-8"])
def test_a_variable_may_hold_the_name_of_a_locale(monkeypatch, value):
    monkeypatch.setenv("ATTNVIZ_LANG", value)
    shown = done("stats", "a b")
    assert shown.stderr == ""
    assert ("số văn bản: 1" in shown.text) == value.lower().startswith("vi")


def test_data_is_the_same_in_every_language():
    for form in ("json", "csv"):
        assert done("explain", "a b", "--format", form, "--lang", "vi") == done("explain", "a b", "--format", form)
        assert done("stats", "a b", "--format", form, "--lang", "vi") == done("stats", "a b", "--format", form)


def test_a_run_leaves_nothing_of_its_language_behind():
    done("explain", "a b", "--lang", "vi")
    assert spoken() is VI
    assert "Usage: attnviz" in done("explain", "--help").text
    assert spoken() is EN
