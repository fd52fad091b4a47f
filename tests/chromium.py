"""A real browser without a window, driven over a pipe by its DevTools protocol; nothing to download, no port.

Source: https://chromedevtools.github.io/devtools-protocol/ and `--remote-debugging-pipe`: messages are JSON, each
ended by a zero byte, on the browser's descriptors 3 and 4.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chromium-headless-shell")
PROGRAM = next((found for found in map(shutil.which, NAMES) if found), None)
FLAGS = (
    "--headless=new",
    "--remote-debugging-pipe",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
)


class Chromium:
    """One browser; `open` gives pages of it."""

    def __init__(self, folder: Path, patience: float = 90) -> None:
        assert PROGRAM, "no Chromium"
        self._patience = patience
        self._last = 0
        self._waiting: list[dict[str, Any]] = []
        self._rest = b""
        theirs, self._out = os.pipe()
        self._in, answers = os.pipe()
        arguments = [PROGRAM, *FLAGS, f"--user-data-dir={folder}/profile"]
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")  # it refuses to start as root otherwise
        self._process = subprocess.Popen(
            ["bash", "-c", f'exec "$0" "$@" 3<&{theirs} 4>&{answers}', *arguments],
            pass_fds=(theirs, answers),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(folder), "TZ": "Europe/Berlin"},
            start_new_session=True,
        )
        os.close(theirs)
        os.close(answers)
        self._coming = select.poll()
        self._coming.register(self._in, select.POLLIN)

    def close(self) -> None:
        """End the browser, and wait for it."""
        self.call("Browser.close")
        self._process.wait(30)
        os.close(self._in)
        os.close(self._out)

    def call(self, method: str, session: str = "", **parameters: object) -> dict[str, Any]:
        """Call a method of the protocol, and wait for its answer."""
        self._last += 1
        number = self._last
        message: dict[str, object] = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        for answer in self._until(lambda one: one.get("id") == number):
            assert "error" not in answer, f"{method}: {answer['error']}"
            return answer["result"]  # type: ignore[no-any-return]
        raise AssertionError(method)

    def wait(self, method: str, session: str) -> dict[str, Any]:
        """The parameters of the next event of this name, or of one that came already."""
        for at, one in enumerate(self._waiting):
            if one.get("method") == method and one.get("sessionId") == session:
                return self._waiting.pop(at).get("params", {})  # type: ignore[no-any-return]
        found = next(iter(self._until(lambda one: one.get("method") == method and one.get("sessionId") == session)))
        return self._waiting.pop(self._waiting.index(found)).get("params", {})  # type: ignore[no-any-return]

    def events(self, session: str) -> list[dict[str, Any]]:
        """What a page told so far; taken away."""
        mine = [one for one in self._waiting if one.get("sessionId") == session]
        self._waiting = [one for one in self._waiting if one.get("sessionId") != session]
        return mine

    def _until(self, is_it: Any) -> "list[dict[str, Any]]":
        """Read messages until one is what is waited for; events are kept."""
        deadline = time.monotonic() + self._patience
        while True:
            left = deadline - time.monotonic()
            assert left > 0, "the browser does not answer"
            while b"\0" in self._rest:
                raw, _, self._rest = self._rest.partition(b"\0")
                message = json.loads(raw)
                if "method" in message:
                    self._waiting.append(message)
                if is_it(message):
                    return [message]
            if self._coming.poll(min(left, 1) * 1000):
                chunk = os.read(self._in, 1 << 20)
                assert chunk, "the browser has ended"
                self._rest += chunk

    def open(self, address: str, **look: Any) -> "Page":
        """Load an address in a page of its own; `look` as in `Page.look`."""
        return Page(self, address, **look)


class Page:
    """One page: what it shows, what it complained about, what it asked for."""

    def __init__(self, browser: Chromium, address: str, before: str = "", **look: Any) -> None:
        self._browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self._target = target
        self._session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility", "Audits"):
            self.call(f"{domain}.enable")
        if before:
            self.call("Page.addScriptToEvaluateOnNewDocument", source=before)
        self.look(**look)
        self.heard: list[dict[str, Any]] = []
        self._browser.events(self._session)
        self.call("Page.navigate", url=address)
        self._browser.wait("Page.loadEventFired", self._session)
        while self.eval("location.href") == "about:blank":  # it told of the empty page late
            self._browser.wait("Page.loadEventFired", self._session)
        self.settle()

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        return self._browser.call(method, self._session, **parameters)

    def look(
        self, width: int = 1280, height: int = 860, dark: bool = False, still: bool = True, phone: bool = False
    ) -> None:
        """Size, colours, and whether movement is welcome."""
        size = {"width": width, "height": height, "deviceScaleFactor": 2 if phone else 1.5}
        self.call("Emulation.setDeviceMetricsOverride", mobile=phone, **size)
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"},
        ]
        self.call("Emulation.setEmulatedMedia", features=features)

    def settle(self) -> None:
        """Wait until two frames were drawn."""
        self.eval("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")

    def eval(self, script: str) -> Any:
        """The value of an expression in the page; a promise's when it is there."""
        answer = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, userGesture=True
        )
        assert "exceptionDetails" not in answer, f"{script}: {answer['exceptionDetails']}"
        return answer["result"].get("value")

    def press(self, *keys: str) -> None:
        """Press keys one after another, as a person would."""
        for key in keys:
            text = {"Enter": "\r", "Space": " "}.get(key, key if len(key) == 1 else "")
            name = " " if key == "Space" else key
            more: dict[str, object] = {"text": text} if text else {}
            if key == "Enter":
                more["windowsVirtualKeyCode"] = 13
            if key == "Tab":
                more["windowsVirtualKeyCode"] = 9
            self.call("Input.dispatchKeyEvent", type="keyDown", key=name, **more)
            self.call("Input.dispatchKeyEvent", type="keyUp", key=name)
        self.settle()

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)
        self.settle()

    def mouse(self, kind: str, x: float, y: float, **more: object) -> None:
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, x: float, y: float) -> None:
        self.mouse("mouseMoved", x, y)
        for kind in ("mousePressed", "mouseReleased"):
            self.mouse(kind, x, y, button="left", clickCount=1)
        self.settle()

    def picture(self, path: Path) -> None:
        """Write what is to be seen as PNG."""
        self.settle()
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def tree(self) -> list[dict[str, Any]]:
        """What assistive technology is told: (role, name) and all else, of every node that it sees."""
        return [node for node in self.call("Accessibility.getFullAXTree")["nodes"] if not node.get("ignored")]

    def told(self) -> list[dict[str, Any]]:
        """Everything that the page told since it began."""
        self.settle()
        self.heard += self._browser.events(self._session)
        return self.heard

    def complaints(self) -> list[str]:
        """Errors, warnings and violations on its console."""
        found = []
        for one in self.told():
            given = one.get("params", {})
            if one["method"] == "Runtime.exceptionThrown":
                found.append(json.dumps(given["exceptionDetails"])[:400])
            elif one["method"] == "Runtime.consoleAPICalled" and given["type"] in ("error", "warning", "assert"):
                found.append(json.dumps(given["args"])[:400])
            elif one["method"] == "Log.entryAdded" and given["entry"]["level"] in ("error", "warning"):
                found.append(given["entry"]["text"])
            elif one["method"] == "Audits.issueAdded":
                found.append(given["issue"]["code"] + json.dumps(given["issue"]["details"])[:300])
        return found

    def requests(self) -> list[str]:
        """The addresses that it asked for."""
        return [one["params"]["request"]["url"] for one in self.told() if one["method"] == "Network.requestWillBeSent"]

    def close(self) -> None:
        self._browser.call("Target.closeTarget", targetId=self._target)
