"""A window of a browser: opened, pointed at, typed into, looked at; the same for each browser."""

from __future__ import annotations

import json
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

PATIENCE = 20.0  # seconds that something may take to come
SETTLED = "document.getElementById('panel')?.getAttribute('aria-busy') === 'false'"
CENTRE = """(() => {
  const one = document.querySelectorAll(%s)[%d];
  if (!one) throw new Error("there is no such element");
  one.scrollIntoView({ block: "nearest", inline: "nearest", behavior: "instant" });
  const box = one.getBoundingClientRect();
  return [box.left + box.width * %f, box.top + box.height * %f];
})()"""

FOCUSED = """((one) => (one === document.body ? "" : one.id || one.getAttribute("aria-label") || one.textContent))(
  document.activeElement)"""
FOLLOW = """(async (hash) => {
  if (location.hash === hash) return;
  const changed = new Promise((done) => addEventListener("hashchange", done, { once: true }));
  location.hash = hash;
  await changed;
})(%s)"""


class Window(ABC):
    """The window of a browser, ``width`` × ``height`` CSS pixels of it for the page."""

    name: ClassVar[str]

    @abstractmethod
    def go(self, address: str) -> None:
        """Load the page of ``address``, anew even where only its fragment differs."""

    @abstractmethod
    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, awaited and as JSON can say it."""

    @abstractmethod
    def move(self, x: float, y: float) -> None:
        """Move the pointer to a place of the page that is in sight."""

    @abstractmethod
    def click(self, x: float, y: float) -> None:
        """Press and release the pointer's first button there."""

    @abstractmethod
    def press(self, key: str) -> None:
        """Press and release a key, called as a KeyboardEvent calls it; "Control+v" holds one for the other."""

    @abstractmethod
    def resize(self, width: int, height: int) -> None:
        """Give the page so many CSS pixels."""

    @abstractmethod
    def picture(self) -> bytes:
        """What is in sight, as a PNG."""

    @abstractmethod
    def problems(self) -> list[str]:
        """What the console and uncaught errors have said since the last ``open``."""

    @abstractmethod
    def close(self) -> None:
        """End the browser."""

    def open(self, file: Path, **state: Any) -> None:
        """Load a page of attnviz in this state, and wait until its view is there."""
        self.go(f"{file.as_uri()}{as_fragment(state)}")
        self.settle()

    def follow(self, **state: Any) -> None:
        """Follow a link within the page, and wait until the view is there."""
        self.evaluate(FOLLOW % json.dumps(as_fragment(state)))
        self.settle()

    def settle(self) -> None:
        self.until(SETTLED)

    def until(self, condition: str) -> None:
        """Wait until a JavaScript expression holds."""
        end = time.monotonic() + PATIENCE
        while not self.evaluate(f"Boolean({condition})"):
            if time.monotonic() > end:
                raise TimeoutError(f"{self.name}: {condition} never came")
            time.sleep(0.02)

    def click_on(self, selector: str, number: int = 0, at: tuple[float, float] = (0.5, 0.5)) -> None:
        """Click an element, at these shares of its width and height."""
        self.click(*self._place(selector, number, at))
        self.settle()

    def point_at(self, selector: str, number: int = 0, at: tuple[float, float] = (0.5, 0.5)) -> None:
        self.move(*self._place(selector, number, at))

    def keys(self, *keys: str) -> None:
        for key in keys:
            self.press(key)
            self.settle()

    def texts(self, selector: str) -> list[str]:
        """The texts of all elements that ``selector`` finds."""
        return self.evaluate(f"Array.from(document.querySelectorAll({json.dumps(selector)}), (one) => one.textContent)")

    def text(self, selector: str) -> str:
        [only] = self.texts(selector)
        return only

    def focused(self) -> str:
        """What a person would call the element that has the focus; "" where none has it."""
        return self.evaluate(FOCUSED)

    def _place(self, selector: str, number: int, at: tuple[float, float]) -> tuple[float, float]:
        x, y = self.evaluate(CENTRE % (json.dumps(selector), number, *at))
        return x, y


def as_json(expression: str) -> str:
    """An expression whose value is the JSON of this one's; null where it has none."""
    return f'(async () => JSON.stringify(await ({expression})) ?? "null")()'


def as_fragment(state: dict[str, Any]) -> str:
    """The end of an address that says what is looked at."""
    return f"#{'&'.join(f'{name}={value}' for name, value in state.items())}"
