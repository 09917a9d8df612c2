"""Chromium, driven by playwright."""

from __future__ import annotations

import json
from typing import Any

from browsers.window import Window, as_json


class Chromium(Window):
    """A tab of a browser that playwright has started."""

    name = "chromium"

    def __init__(self, browser: Any) -> None:
        self.page = browser.new_page()
        self._problems: list[str] = []
        self.page.on("console", lambda message: self._problems.append(f"console: {message.text}"))
        self.page.on("pageerror", lambda error: self._problems.append(f"error: {error}"))

    def go(self, address: str) -> None:
        self.page.goto("about:blank")
        self._problems.clear()
        self.page.goto(address)

    def evaluate(self, expression: str) -> Any:
        return json.loads(self.page.evaluate(as_json(expression)))

    def move(self, x: float, y: float) -> None:
        self.page.mouse.move(x, y)

    def click(self, x: float, y: float) -> None:
        self.page.mouse.click(x, y)

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def resize(self, width: int, height: int) -> None:
        self.page.set_viewport_size({"width": width, "height": height})

    def picture(self) -> bytes:
        return self.page.screenshot()

    def problems(self) -> list[str]:
        return list(self._problems)

    def close(self) -> None:
        self.page.close()
