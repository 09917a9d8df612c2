"""A chat template is filled in as transformers does it, in a process of its own, and within bounds."""

from __future__ import annotations

import copy
import gc
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from chat_templates import TEMPLATES
from tiny_models import model, tokenizer

from attnviz import AttnvizError, trace_model
from attnviz.sources.huggingface import chat
from attnviz.sources.huggingface.chat import Child, in_chat, resident_bytes

TEXTS = ("Your step", "ünïcode 😀\n<|user|> {{ 1 }}\u2028", "", "\ud800")


def with_template(template: str | dict[str, str]):
    own = copy.deepcopy(tokenizer())
    own.chat_template = template
    return own


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.some(6)
def test_the_text_is_that_of_transformers(name, text):
    own = with_template(TEMPLATES[name])
    turns = [{"role": "user", "content": text}]
    expected = own.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    assert in_chat(own, text, "mine") == expected


def test_the_default_of_several_templates_is_taken_and_none_is_guessed():
    assert in_chat(with_template({"default": "{{ 'a' }}", "rag": "b"}), "x", "mine") == "a"
    with pytest.raises(AttnvizError, match=r"refuses this text: .* multiple chat templates"):
        in_chat(with_template({"rag": "b", "tools": "c"}), "x", "mine")


def test_without_a_template_there_is_no_chat():
    with pytest.raises(AttnvizError, match="the tokenizer of mine has no chat template"):
        in_chat(with_template(""), "x", "mine")


def test_a_tokenizer_that_writes_chats_by_code_of_its_own_is_left_to_it():
    class Own(type(tokenizer())):
        def apply_chat_template(self, turns, **_):
            return f"own {turns[0]['content']}"

    own = with_template("{{ 'template' }}")
    own.__class__ = Own
    assert in_chat(own, "x", "mine") == "own x"


@pytest.mark.parametrize(
    "damaged", [{"chat_template": 5}, {"chat_template": {"default": ["a"]}}, {"special_tokens_map": {1j}}]
)
def test_a_tokenizer_that_is_damaged_is_told(damaged):
    class Damaged(type(tokenizer())):
        special_tokens_map = damaged.get("special_tokens_map", {})

    own = with_template("a")
    own.__class__ = Damaged
    own.chat_template = damaged.get("chat_template", "a")
    with pytest.raises(AttnvizError, match="the chat template of mine refuses this text: "):
        in_chat(own, "x", "mine")


REFUSED = {
    "{{ raise_exception('no\nuser') }}": "refuses this text: no user",
    "{% for i in range(10**12) %}{% endfor %}": "refuses this text: Range too big",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}": "refuses this text: maximum recursion depth",
    "{{ ''.__class__.__mro__ }}": "refuses this text: access to attribute '__class__'",
    "{% if %}": "refuses this text: Expected an expression",
    "{{ (10**9000) | string }}": "refuses this text: Exceeds the limit",
    "{{ 'x' * 10**7 }}": r"writes more than 1,048,\d+ characters",
    "{{ 'x' * 10**10 }}": "takes more than 1 GB of memory",
}


@pytest.mark.parametrize("template", REFUSED)
@pytest.mark.some(3)
def test_what_a_template_does_too_much_is_told(template):
    before = resident_bytes(os.getpid())
    start = time.monotonic()
    with pytest.raises(AttnvizError, match=f"the chat template of mine {REFUSED[template]}") as told:
        in_chat(with_template(template), "x", "mine")
    assert told.value.message.isprintable()
    assert told.value.hint
    assert resident_bytes(os.getpid()) - before < 1 << 28
    assert time.monotonic() - start < chat.SECONDS


@pytest.mark.slow
@pytest.mark.parametrize(
    "template",
    [
        "{{ 'x'.center(10**10) }}",
        "{{ 'x' | center(10**10) }}",
        "{{ '%10000000000d' % 1 }}",
        "{{ '{:>10000000000}'.format(1) }}",
        "{{ [1] * 10**10 }}",
        "{{ ('a' * 10**6) | replace('a', 'b' * 10**6) }}",
        "{{ range(99999) | batch(10**10, 1) | list }}",
        "{% set ns = namespace(s='12345678') %}{% for i in range(64) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s | length }}",
        "{{ 10 ** (10 ** 9) }}",
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{{ lipsum(n=10**6) }}",
        "{% if a %}" * 20_000 + "{% endif %}" * 20_000,
        "{{ 1 }}" * 10**6,
    ],
)
def test_no_template_takes_more_than_its_bounds(template, monkeypatch):
    monkeypatch.setattr(chat, "SECONDS", 3)
    start = time.monotonic()
    with pytest.raises(AttnvizError, match="the chat template of mine "):
        in_chat(with_template(template), "x", "mine")
    assert time.monotonic() - start < 3 + 5  # and the start of the process
    assert in_chat(tokenizer(), "x", "mine").endswith("<|assistant|>")


@pytest.fixture
def child(monkeypatch):
    """A process with tests/support/renderer_double.py in it, in place of the one that fills in templates."""
    child = Child()
    monkeypatch.setattr(chat, "CHAT_RENDERER", ("renderer_double", "render"))
    monkeypatch.setattr(chat, "CHILD", child)
    yield child
    child.close()


BOUNDS = {
    "wait": r"takes longer than 0\.3 seconds",
    "memory": "takes more than 1 GB of memory",
    "end": "ended the process that fills it in",
}


@pytest.mark.parametrize("template", BOUNDS)
@pytest.mark.usefixtures("child")
@pytest.mark.some(2)
def test_a_bound_is_told_and_the_next_text_has_its_own_answer(template, monkeypatch):
    assert in_chat(with_template("a"), "first", "mine") == "a: first …"
    with monkeypatch.context() as patch:
        patch.setattr(chat, "SECONDS", 0.3 if template == "wait" else 10)
        with pytest.raises(AttnvizError, match=f"the chat template of mine {BOUNDS[template]}"):
            in_chat(with_template(template), "second", "mine")
    assert in_chat(with_template("b"), "third", "mine") == "b: third …"


@pytest.mark.usefixtures("child")
def test_where_the_system_holds_no_limit_the_memory_is_watched(monkeypatch):
    monkeypatch.setattr(chat, "resident_bytes", lambda _: 3 * chat.MEMORY)
    with pytest.raises(AttnvizError, match="takes more than 1 GB of memory"):
        in_chat(with_template("wait"), "x", "mine")


def test_a_process_that_was_ended_is_told_and_started_again(child):
    in_chat(with_template("a"), "x", "mine")
    child._process.kill()
    child._process.wait()
    with pytest.raises(AttnvizError, match="the chat template of mine ended the process that fills it in"):
        in_chat(with_template("a"), "x", "mine")
    assert in_chat(with_template("a"), "x", "mine") == "a: x …"


def test_an_interruption_leaves_no_answer_for_the_next_text(child, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    in_chat(with_template("a"), "first", "mine")
    with monkeypatch.context() as patch:
        patch.setattr(child, "_line", interrupted)
        with pytest.raises(KeyboardInterrupt):
            in_chat(with_template("a"), "interrupted", "mine")
    assert in_chat(with_template("a"), "second", "mine") == "a: second …"


def test_an_answer_without_end_is_not_read(child):
    """A process that is no longer ours may write what it likes."""
    with subprocess.Popen(["yes", "x" * 5000], stdout=subprocess.PIPE, stdin=subprocess.PIPE) as endless:
        with pytest.raises(MemoryError):
            child._line(endless, 5, 1000)
        endless.kill()


def test_its_process_ends_with_it(monkeypatch):
    monkeypatch.setattr(chat, "CHAT_RENDERER", ("renderer_double", "render"))
    child = Child()
    turns = [{"role": "user", "content": "b"}]
    request = {"template": "a", "turns": turns, "variables": {}, "most": 10}
    assert child.answer(json.dumps(request).encode() + b"\n", 10) == {"text": "a: b …"}
    process = child._process
    del child
    gc.collect()
    assert process.poll() is not None


def test_memory_is_told_by_proc_or_by_ps(monkeypatch):
    by_proc = resident_bytes(os.getpid())
    assert by_proc > 1 << 20
    monkeypatch.setattr(chat, "Path", lambda _: Path("/nowhere"))
    if shutil.which("ps"):
        assert abs(resident_bytes(os.getpid()) - by_proc) < by_proc
    monkeypatch.setenv("PATH", "")
    assert resident_bytes(os.getpid()) == 0


@pytest.mark.slow
def test_a_hostile_template_of_a_model_is_one_line(llama):
    (llama / "chat_template.jinja").write_text("{{ 'x' * 10**10 }}")
    with pytest.raises(AttnvizError, match="takes more than 1 GB of memory"):
        trace_model(llama, "a", chat=True)
    assert trace_model(model("Llama"), "Your step", tokenizer=tokenizer(), chat=True).tokens[0] == "<|user|>"


@pytest.mark.slow
def test_the_child_imports_no_torch_and_nothing_of_ours():
    code = "import sys, importlib; importlib.import_module(sys.argv[1]); print('torch' in sys.modules)"
    told = subprocess.run(
        [sys.executable, "-c", code, chat.CHAT_RENDERER[0]], capture_output=True, text=True, check=True
    )
    assert told.stdout == "False\n"
