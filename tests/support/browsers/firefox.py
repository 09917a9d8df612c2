"""Firefox, driven by its own WebDriver BiDi over a web socket (W3C, "WebDriver BiDi"); it needs no geckodriver."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from browsers import gestures
from browsers.processes import until
from browsers.window import PATIENCE, Window, as_json

READY = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
# Nothing that a fresh profile would open, fetch or ask; each frame is drawn as it would be on a screen.
PREFERENCES = {
    "browser.startup.page": 0,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.aboutwelcome.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.enabled": False,
    "app.update.enabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "layout.css.prefers-color-scheme.content-override": 1,  # light, whatever the machine's is
}


class Firefox(Window):
    """A Firefox of its own, with the profile in an empty folder."""

    name = "firefox"

    def __init__(self, program: str, profile: Path, **preferences: Any) -> None:
        from websockets.sync.client import connect

        lines = [f'user_pref("{name}", {json.dumps(value)});' for name, value in (PREFERENCES | preferences).items()]
        (profile / "user.js").write_text("\n".join(lines), encoding="utf-8")
        self._asked = 0
        self._problems: list[str] = []
        self._ends = ExitStack()
        try:
            address = self._started(program, profile)
            # No pings: a busy machine may answer them late, and the browser would be lost for all tests that follow.
            self._socket = self._ends.enter_context(connect(f"{address}/session", max_size=None, ping_interval=None))
            self._ask("session.new", capabilities={})
            self._ask("session.subscribe", events=["log.entryAdded"])
            # A tab of its own: the first never has the focus, without which Enter presses no button.
            self._context = self._ask("browsingContext.create", type="tab")["context"]
        except BaseException:
            self._ends.close()
            raise

    def go(self, address: str) -> None:
        self._ask("browsingContext.navigate", context=self._context, url="about:blank", wait="complete")
        self._problems.clear()
        self._ask("browsingContext.navigate", context=self._context, url=address, wait="complete")

    def evaluate(self, expression: str) -> Any:
        answer = self._ask(
            "script.evaluate",
            expression=as_json(expression),
            target={"context": self._context},
            awaitPromise=True,
            userActivation=False,
        )
        if answer["type"] == "exception":
            raise RuntimeError(f"{self.name}: {answer['exceptionDetails']['text']}")
        return json.loads(answer["result"]["value"])

    def move(self, x: float, y: float) -> None:
        self._perform(gestures.pointer(x, y))

    def click(self, x: float, y: float) -> None:
        self._perform(gestures.pointer(x, y, "pointerDown", "pointerUp"))

    def press(self, key: str) -> None:
        self._perform(gestures.key(key))

    def resize(self, width: int, height: int) -> None:
        viewport = {"width": width, "height": height}
        self._ask("browsingContext.setViewport", context=self._context, viewport=viewport)

    def picture(self) -> bytes:
        return base64.b64decode(self._ask("browsingContext.captureScreenshot", context=self._context)["data"])

    def problems(self) -> list[str]:
        self.evaluate("0")  # whatever was said before its answer has come before it
        return list(self._problems)

    def close(self) -> None:
        self._ask("browser.close")
        self._ends.close()

    def _started(self, program: str, profile: Path) -> str:
        """Start it, and wait until it says where it listens."""
        said = profile / "said.txt"
        output = self._ends.enter_context(said.open("w", encoding="utf-8"))
        process = subprocess.Popen(
            [
                program,
                "--headless",
                "--no-remote",
                "--profile",
                str(profile),
                "--remote-debugging-port=0",
                "about:blank",
            ],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "HOME": str(profile)},
        )
        self._ends.callback(process.wait, PATIENCE)
        self._ends.callback(process.terminate)  # nothing to one that has ended
        return until(lambda: READY.search(said.read_text("utf-8")), process)[1]

    def _perform(self, actions: list[dict[str, Any]]) -> None:
        self._ask("input.performActions", context=self._context, actions=actions)

    def _ask(self, method: str, **parameters: Any) -> Any:
        """The result of a command; what happens in the meantime is kept."""
        self._asked += 1
        self._socket.send(json.dumps({"id": self._asked, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv(timeout=3 * PATIENCE))
            if answer.get("id") == self._asked:
                break
            if answer.get("method") == "log.entryAdded" and answer["params"]["level"] in ("warn", "error"):
                self._problems.append(f"{answer['params']['type']}: {answer['params']['text']}")
        if answer["type"] == "error":
            raise RuntimeError(f"{self.name}: {method}: {answer['message']}")
        return answer["result"]
