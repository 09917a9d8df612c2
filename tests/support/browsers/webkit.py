"""WebKitGTK's MiniBrowser, driven by WebKitWebDriver over HTTP (W3C, "WebDriver"), on a display of its own (Xvfb)."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import socket
import subprocess
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from browsers import gestures
from browsers.processes import until
from browsers.window import PATIENCE, Window, as_json

SCREEN = "2000x1400x24"
# The driver passes no console on, so the page is given ears before its own script runs.
EARS = """window.heard = [];
addEventListener("error", (event) => heard.push(`error: ${event.message}`), true);
addEventListener("unhandledrejection", (event) => heard.push(`error: ${event.reason}`));
addEventListener("securitypolicyviolation", (event) => heard.push(`policy: ${event.effectiveDirective}`));
for (const level of ["warn", "error"]) {
  const say = console[level];
  console[level] = (...words) => (heard.push(`console: ${words.join(" ")}`), say.apply(console, words));
}"""
EVALUATE = (
    "const done = arguments[0]; (%s).then((value) => done([value, null]), (error) => done([null, String(error)]));"
)


class WebKit(Window):
    """A MiniBrowser of its own; ``folder`` is where copies of its pages are written."""

    name = "webkit"

    def __init__(self, driver: str, browser: str, display: str, folder: Path) -> None:
        self._folder = folder
        self._ends = ExitStack()
        try:
            screen = self._display(display)
            environment = {"DISPLAY": screen, "NO_AT_BRIDGE": "1", "GSETTINGS_BACKEND": "memory", "HOME": str(folder)}
            port = _free_port()
            process = self._started([driver, f"--port={port}"], env={**os.environ, **environment})
            self._address = f"http://127.0.0.1:{port}"
            until(lambda: _listens(port), process)
            options = {"webkitgtk:browserOptions": {"binary": browser, "args": ["--automation"]}}
            session = self._ask("POST", "/session", capabilities={"alwaysMatch": options})["sessionId"]
            self._address += f"/session/{session}"
            self._ends.callback(self._ask, "DELETE", "")
            whole, page = self._ask("GET", "/window/rect"), self.evaluate("[innerWidth, innerHeight]")
            self._bars = whole["width"] - page[0], whole["height"] - page[1]  # which the page does not get
        except BaseException:
            self._ends.close()
            raise

    def go(self, address: str) -> None:
        parts = urlsplit(address)
        page = Path(unquote(parts.path))
        copy = self._folder / page.name
        copy.write_text(with_ears(page.read_text(encoding="utf-8")), encoding="utf-8")
        self._ask("POST", "/url", url="about:blank")
        self._ask("POST", "/url", url=f"{copy.as_uri()}#{parts.fragment}")

    def evaluate(self, expression: str) -> Any:
        value, error = self._ask("POST", "/execute/async", script=EVALUATE % as_json(expression), args=[])
        if error is not None:
            raise RuntimeError(f"{self.name}: {error}")
        return json.loads(value)

    def move(self, x: float, y: float) -> None:
        self._ask("POST", "/actions", actions=gestures.pointer(x, y))

    def click(self, x: float, y: float) -> None:
        self._ask("POST", "/actions", actions=gestures.pointer(x, y, "pointerDown", "pointerUp"))

    def press(self, key: str) -> None:
        self._ask("POST", "/actions", actions=gestures.key(key))

    def resize(self, width: int, height: int) -> None:
        size = {"width": width + self._bars[0], "height": height + self._bars[1]}
        self._ask("POST", "/window/rect", x=0, y=0, **size)
        self.until(f"innerWidth === {width} && innerHeight === {height}")

    def picture(self) -> bytes:
        return base64.b64decode(self._ask("GET", "/screenshot"))

    def problems(self) -> list[str]:
        return self.evaluate("window.heard")

    def close(self) -> None:
        self._ends.close()

    def _display(self, program: str) -> str:
        """The name of a new display."""
        reading, writing = os.pipe()
        command = [program, "-displayfd", str(writing), "-screen", "0", SCREEN, "-nolisten", "tcp"]
        self._started(command, pass_fds=[writing])
        os.close(writing)
        with os.fdopen(reading) as pipe:
            return f":{int(pipe.readline())}"

    def _started(self, command: list[str], **options: Any) -> subprocess.Popen[Any]:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
        self._ends.callback(process.wait, PATIENCE)
        self._ends.callback(process.terminate)
        return process

    def _ask(self, method: str, path: str, **body: Any) -> Any:
        request = urllib.request.Request(
            f"{self._address}{path}",
            method=method,
            data=json.dumps(body).encode() if method == "POST" else None,
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=3 * PATIENCE) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            with error:
                raise RuntimeError(f"{self.name}: {path}: {json.load(error)['value']['message']}") from None


def with_ears(page: str) -> str:
    """The page with one script more before its own, which its policy allows."""
    digest = base64.b64encode(hashlib.sha256(EARS.encode()).digest()).decode()
    policy = html.escape("script-src '", quote=True)
    allowed = html.escape(f"script-src 'sha256-{digest}' '", quote=True)
    if page.count(policy) != 1 or page.count("<title>") != 1:
        raise ValueError("the page's head has another form than is known here")
    return page.replace(policy, allowed, 1).replace("<title>", f"<script>{EARS}</script><title>", 1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
