"""One word for one thing: the glossary of lessons/vi.toml, held by the words that are not used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import attnviz
from attnviz.choices import Language
from attnviz.text.lessons import lessons
from attnviz.text.message import catalogue

PACKAGE = Path(attnviz.__file__).parent
README = PACKAGE.parent / ".github" / "README.vi.md"

# What is not said, and what is said instead. A word is looked for as a whole, in any case.
NOT_SAID = {
    "bị ẩn": "bị che, or không hiện of what is left out",
    "đã ẩn": "không hiện",
    "ẩn": "không hiện",
    "sự chú ý": "attention, or trọng số of how much a token gives",
    "che khuất": "bị che",
    "che giấu": "bị che",
    "bản đồ": "ma trận",
    "bản đồ nhiệt": "biểu đồ nhiệt",
    "tản mạn": "phân tán",
    "tỷ lệ": "tỉ lệ",
    "tập tin": "tệp",
    "file": "tệp",
    "véc-tơ": "vector",
    "véc tơ": "vector",
    "vectơ": "vector",
    "đầu chú ý": "đầu attention",
    "cơ chế chú ý": "attention",
    "tầng attention": "lớp",
    "truy vấn": "Query",
    "khóa": "Key",
    "từ khóa": "Key",
    "điểm chú ý": "điểm số",
    "trọng lượng": "trọng số",
    "ngõ ra": "đầu ra",
    "kết xuất": "đầu ra",
    "nhúng từ": "vector nhúng",
    "dấu vết": "bản ghi",
    "dự báo": "dự đoán",
    "tiên đoán": "dự đoán",
    "lựa chọn dòng lệnh": "tùy chọn",
    "tuỳ chọn": "tùy chọn",
    "thiết lập mặc định": "mặc định",
    "thông lệ": "quy tắc",
    "qui tắc": "quy tắc",
    "luật nhân quả": "quy tắc nhân quả",
    "chia tỉ lệ": "điều chỉnh tỉ lệ",
    "các tỉ lệ": "các phần",
    "đầu ngôn ngữ": "lớp dự đoán token",
    "standard error": "đầu ra lỗi chuẩn",
    "bản sao": "lần xuất hiện trước",
    "góc nhìn": "chế độ xem",
    "ý nghĩa học": "ngữ nghĩa",
    "kí hiệu": "ký hiệu",
    "rút thăm": "lấy mẫu",
    "bộ đệm": "bộ nhớ đệm",
    "hộp thoại": "hội thoại",
    "hình vẽ": "hình",
    "folder": "thư mục",
    "model": "mô hình",
    "layer": "lớp",
    "head": "đầu",
}
# Where such a word is no word of ours: names of options, files, functions and of parts of a model.
NAMES = re.compile(
    r"`[^`]*`|(?<!\w)--?[\w-]+|\{\w+\}|[\w./]*[\w]\.\w+(?:\(\w*\))?|[\w]+_[\w]+(?:\(\w*\))?|[A-Z]{2,}\w*|\([^)]*(?:head|template|mask)[^)]*\)|khóa học"
    r"|\w+=…?|attnviz \w+|save_pretrained\(folder\)|model là {\w+}|^model |model có kiểu|của heads|heads là|OWNER/MODEL"
)


SYNONYM = re.compile(rf"(?<!\w)(?:{'|'.join(sorted(NOT_SAID, key=len, reverse=True))})(?!\w)", re.IGNORECASE)


def texts() -> dict[str, str]:
    """Everything that is said in Vietnamese, by where it stands."""
    of_traces = {f"lessons: {name}": said for name, said in lessons(Language.VI).messages.items()}
    of_messages = {f"messages: {english}": said for english, said in catalogue(Language.VI).items()}
    files = [*sorted((PACKAGE / "text" / "course" / "vi").glob("*.md")), README]
    return of_traces | of_messages | {path.name: _prose(path.read_text(encoding="utf-8")) for path in files}


def _prose(markdown: str) -> str:
    """A page without its code: commands, Python, and links."""
    return re.sub(r"```.*?```|\]\([^)]*\)", " ", markdown, flags=re.DOTALL)


def synonyms(said: dict[str, str]) -> list[str]:
    """Words that stand for a thing that has another word."""
    return [
        f"{place}: {found[0]} → {NOT_SAID[found[0].lower()]}"
        for place, text in said.items()
        for found in SYNONYM.finditer(NAMES.sub(" ", text))
    ]


def test_one_word_stands_for_one_thing():
    assert synonyms(texts()) == []


@pytest.mark.parametrize("word", NOT_SAID)
def test_a_planted_synonym_is_found(word):
    assert synonyms({"planted": f"Ở đây {word} là một từ khác."})
    assert synonyms({"planted": f"{word.capitalize()}."})
    assert synonyms({"planted": f"a{word}b"}) == []


def test_names_are_no_words():
    assert (
        synonyms({"planted": "attnviz manual models, --model, `head`, NAME.safetensors, model.save_pretrained(folder)"})
        == []
    )
    assert synonyms({"planted": "khóa học"}) == []


OTHERWISE = re.compile(r"(?<![\d,])\d+,\d{2}(?![\d,-])|\d[\u00a0\u2009\u202f]\d{3}")  # 0,75 and 131 072


def numbers_otherwise(said: dict[str, str]) -> list[str]:
    """Numbers that are not written as the tables beside them have theirs."""
    return [f"{place}: {found[0]}" for place, text in said.items() for found in OTHERWISE.finditer(text)]


def test_numbers_are_written_as_in_tables_formulas_and_json():
    assert numbers_otherwise(texts()) == []


@pytest.mark.parametrize("text", ["trọng số 0,75.", "131\u202f072 token"])
def test_a_planted_number_of_another_kind_is_found(text):
    assert numbers_otherwise({"planted": text})


def test_numbers_in_a_row_are_none_of_another_kind():
    assert numbers_otherwise({"planted": "1,024 token; đầu 0, 4 và 7; [1, 2, 3]; --head 0,4-7"}) == []
