"""Pointer and keys as WebDriver says them, the same in its HTTP and in its BiDi form (W3C, section "Actions")."""

from __future__ import annotations

from typing import Any

CODES = {
    "Backspace": "\ue003",
    "Tab": "\ue004",
    "Enter": "\ue006",
    "Escape": "\ue00c",
    "PageUp": "\ue00e",
    "PageDown": "\ue00f",
    "End": "\ue010",
    "Home": "\ue011",
    "ArrowLeft": "\ue012",
    "ArrowUp": "\ue013",
    "ArrowRight": "\ue014",
    "ArrowDown": "\ue015",
    "Shift": "\ue008",
    "Control": "\ue009",
}


def pointer(x: float, y: float, *then: str) -> list[dict[str, Any]]:
    """The mouse moves there, and ``then`` does so: "pointerDown", "pointerUp"."""
    steps = [{"type": "pointerMove", "x": round(x), "y": round(y), "duration": 0}]
    steps += [{"type": step, "button": 0} for step in then]
    return [{"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": steps}]


def key(name: str) -> list[dict[str, Any]]:
    """A key goes down and up; letters and signs are called by themselves. In "Control+v" one is held for the other."""
    values = [CODES.get(one, one) for one in (name.split("+") if len(name) > 1 else [name])]
    steps = [{"type": "keyDown", "value": value} for value in values]
    steps += [{"type": "keyUp", "value": value} for value in reversed(values)]
    return [{"type": "key", "id": "keyboard", "actions": steps}]
