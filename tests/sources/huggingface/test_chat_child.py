"""The program that fills in chat templates; test_chat.py runs it as a process."""

from __future__ import annotations

import io
import json
import resource
from importlib import import_module
from pathlib import Path

import pytest

from attnviz.sources.huggingface import chat_child
from attnviz.sources.huggingface.chat_child import answered, limit_memory, limit_time, run, serve
from attnviz.sources.huggingface.seams import CHAT_RENDERER


def render(**given):
    module, function = CHAT_RENDERER
    return getattr(import_module(module), function)(**given)


def request(template: str, most: int = 100, **variables: str) -> dict[str, object]:
    turns = [{"role": "user", "content": "ä"}]
    return {"template": template, "turns": turns, "variables": variables, "most": most}


@pytest.mark.parametrize(
    ("asked", "answer"),
    [
        (request("{{ messages[0].content }}{{ bos_token }}", bos_token="<s>"), {"text": "ä<s>"}),
        (request("{{ add_generation_prompt }}"), {"text": "True"}),
        (request("{{ 'x' * 101 }}"), {"bound": "length"}),
        (request("{{ raise_exception('no') }}"), {"error": "no"}),
    ],
)
def test_each_request_has_its_answer(asked, answer):
    assert answered(asked, render) == answer


def test_too_little_memory_and_an_error_without_words_are_answers_too():
    def fails(error):
        def render(**_):
            raise error

        return render

    assert answered(request("a"), fails(MemoryError())) == {"bound": "memory"}
    assert answered(request("a"), fails(KeyError())) == {"error": "KeyError"}


@pytest.fixture
def limits(monkeypatch) -> dict[int, tuple[int, int]]:
    """What limits would be set: a process cannot take back its own."""
    said = {}
    monkeypatch.setattr(resource, "setrlimit", lambda which, values: said.update({which: values}))
    return said


def test_requests_are_answered_line_by_line_and_limits_are_set_first(limits):
    asked = b"".join(json.dumps(request(template)).encode() + b"\n" for template in ("a\nb", "{{ '\ud800' }}"))
    answers = io.BytesIO()
    serve(io.BytesIO(asked), answers, render, 1000, 5)
    ready, *lines = answers.getvalue().split(b"\n")
    assert (ready, lines[-1]) == (b"ready", b"")
    texts = [json.loads(line.decode("utf-8", "surrogatepass"))["text"] for line in lines[:-1]]
    assert texts == ["a\nb", "\ud800"]
    assert set(limits) == {resource.RLIMIT_AS, resource.RLIMIT_CPU}


def test_the_program_is_told_how_it_fills_in_and_what_it_may_take(limits, monkeypatch):
    asked, answers = io.BytesIO(json.dumps(request("a")).encode()), io.BytesIO()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(asked))
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(answers))
    run(["renderer_double", "render", "1000", "5"])
    assert answers.getvalue() == 'ready\n{"text": "a: ä …"}\n'.encode()
    assert len(limits) == 2


def test_memory_is_counted_beyond_what_is_there(limits):
    limit_memory(1000)
    have = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    assert abs(limits[resource.RLIMIT_AS][0] - 1000 - have) < 1 << 28


def test_time_is_counted_beyond_what_was_taken_and_the_hard_limit_stays(limits):
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit_time(7)
    soft, hard = limits[resource.RLIMIT_CPU]
    assert 7 < soft - (used.ru_utime + used.ru_stime) <= 9
    assert hard == resource.getrlimit(resource.RLIMIT_CPU)[1]


def test_a_system_that_holds_no_limits_is_left_as_it_is(monkeypatch):
    def refused(*_):
        raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "setrlimit", refused)
    limit_memory(1000)
    limit_time(1)
    monkeypatch.setattr(chat_child, "Path", lambda _: Path("/nowhere"))
    limit_memory(1000)
