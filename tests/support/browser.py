"""A real browser without a window: Chromium, steered over its debugging pipe, with no network but this machine.

The pipe speaks the Chrome DevTools Protocol (https://chromedevtools.github.io/devtools-protocol): JSON messages that
end with a zero byte, to the browser on its file descriptor 3, from it on 4.
"""

import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_PATIENCE_SECONDS = 60
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-pipe",
)


def program() -> str | None:
    """Where Chromium lies, if it is installed."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Browser:
    """A browser with one page."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        """Attach to the browser's first page."""
        self._incoming, self._outgoing = incoming, outgoing
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        self._events: list[dict[str, Any]] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def open(self, address: str, width: int = 1200, height: int = 800, *, dark: bool = False) -> None:
        """Load a page and wait until it and its pictures are there."""
        self.send("Page.navigate", url="about:blank")
        self._wait_for("Page.loadEventFired")
        self._events.clear()
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        # Animations would have to be waited for.
        calm = {"name": "prefers-reduced-motion", "value": "reduce"}
        self.send("Emulation.setEmulatedMedia", features=[scheme, calm])
        self.send("Page.navigate", url=address)
        self._wait_for("Page.loadEventFired")
        self.settle()

    def settle(self) -> None:
        """Wait until the page has drawn what it was asked to."""
        self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def run(self, script: str) -> Any:
        """Run a script in the page; its value, once it is there."""
        answer = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"].get("exception", {}).get("description", answer)))
        return answer["result"].get("value")

    def text(self, selector: str) -> str:
        """Words of an element as people read them, any space being a space; empty if there is none."""
        words: str = self.run(f"document.querySelector({selector!r})?.innerText ?? ''")
        return " ".join(words.split())

    def click(self, x: float, y: float) -> None:
        """Click where the page has these coordinates."""
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            button = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **button)
        self.settle()

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press the mouse at a place, and release it at another."""
        for kind, (x, y) in (("mousePressed", start), ("mouseMoved", end), ("mouseReleased", end)):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)
        self.settle()

    def type(self, text: str) -> None:
        """Press the keys of a text."""
        for key in text:
            self.send("Input.dispatchKeyEvent", type="keyDown", key=key, text=key)
            self.send("Input.dispatchKeyEvent", type="keyUp", key=key)
        self.settle()

    def press(self, key: str) -> None:
        """Press a key, such as ``Tab`` or ``Enter``."""
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "ArrowLeft": 37, "ArrowRight": 39, "ArrowDown": 40}
        text = {"text": "\r"} if key == "Enter" else {}
        code = codes[key]
        self.send("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode=code, **text)
        self.send("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=code)
        self.settle()

    def complaints(self) -> list[str]:
        """What the page has written to the console as errors or warnings, exceptions and violated policies included."""
        self.settle()
        found = []
        for event in self._events:
            entry = event["params"]
            if event["method"] == "Log.entryAdded" and entry["entry"]["level"] in {"error", "warning"}:
                found.append(str(entry["entry"]["text"]))
            if event["method"] == "Runtime.exceptionThrown":
                found.append(str(entry["exceptionDetails"]))
            if event["method"] == "Runtime.consoleAPICalled" and entry["type"] in {"error", "warning", "assert"}:
                found.append(str(entry["args"]))
        return found

    def requests(self) -> list[str]:
        """Addresses of what the page has asked for, data that it holds itself left out."""
        sent = [event["params"] for event in self._events if event["method"] == "Network.requestWillBeSent"]
        return [one["request"]["url"] for one in sent if not one["request"]["url"].startswith("data:")]

    def screenshot(self, path: Path) -> None:
        """Keep what the page looks like."""
        path.write_bytes(b64decode(self.send("Page.captureScreenshot", format="png")["data"]))

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Ask the browser for something, and wait for its answer."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._outgoing, data) :]
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result
            self._events.append(answer)

    def _wait_for(self, event: str) -> None:
        while not any(seen["method"] == event for seen in self._events):
            self._events.append(self._receive())
        self._events[:] = [seen for seen in self._events if seen["method"] != event]

    def _receive(self) -> dict[str, Any]:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._incoming], [], [], max(0.0, deadline - time.monotonic()))
            data = os.read(self._incoming, 1 << 20) if ready else b""
            if not data:
                raise TimeoutError("The browser does not answer.")
            self._buffer += data
        message, self._buffer = self._buffer.split(b"\0", 1)
        answer: dict[str, Any] = json.loads(message)
        return answer


def _pipe() -> tuple[int, int]:
    """Where to read and where to write, on descriptors that are not those that the browser takes for its own."""
    ends = os.pipe()
    reading, writing = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends)
    for end in ends:
        os.close(end)
    return reading, writing


@contextmanager
def running() -> Iterator[Browser]:
    """Start a browser, and stop it."""
    path = program()
    if path is None:
        raise FileNotFoundError("Chromium is not installed.")
    from_browser, browser_out = _pipe()
    browser_in, to_browser = _pipe()
    profile = tempfile.mkdtemp(prefix="chromium-")
    command = ["bash", "-c", f'exec "$@" 3<&{browser_in} 4>&{browser_out}', "bash", path, *_OPTIONS]
    process = subprocess.Popen(
        [*command, f"--user-data-dir={profile}", "about:blank"],
        pass_fds=(browser_in, browser_out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(browser_in)
    os.close(browser_out)
    try:
        yield Browser(from_browser, to_browser)
    finally:
        process.terminate()
        process.wait(_PATIENCE_SECONDS)
        os.close(from_browser)
        os.close(to_browser)
        shutil.rmtree(profile, ignore_errors=True)
