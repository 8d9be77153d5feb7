"""A real Chromium without a window, driven through its debugging port: what a reader sees and a keyboard reaches."""

import asyncio
import os
import shutil
import subprocess
import time
from base64 import b64decode
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import aiohttp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["Browser", "Tab", "found", "why_no_chromium"]

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_STARTS_WITHIN_S: Final = 60.0
_ANSWERS_WITHIN_S: Final = 60.0


def found() -> str | None:
    """Its program, if there is one."""
    return next(filter(None, map(shutil.which, _NAMES)), None)


def why_no_chromium() -> str | None:
    """What is missing."""
    return None if found() else "Chromium"


class Browser:
    """A Chromium of this test run's own."""

    def __init__(self, directory: Path) -> None:
        program = found()
        assert program is not None
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # it refuses to have one as root
        self._process: Final = subprocess.Popen(
            [
                program,
                *("--headless=new", "--remote-debugging-port=0", f"--user-data-dir={directory}", "--no-first-run"),
                *("--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--mute-audio"),
                *sandbox,
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._port: Final = self._opened(directory / "DevToolsActivePort")

    def _opened(self, told: Path) -> int:
        deadline = time.monotonic() + _STARTS_WITHIN_S
        while time.monotonic() < deadline and self._process.poll() is None:
            if told.exists() and (lines := told.read_text().splitlines()):
                return int(lines[0])
            time.sleep(0.05)
        self.close()
        raise AssertionError("Chromium did not open its debugging port")

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @asynccontextmanager
    async def tab(self, path: Path, *, width: int, height: int = 900, dark: bool = False) -> "AsyncIterator[Tab]":
        """A page opened from a file, in a window of that size."""
        async with aiohttp.ClientSession() as http:
            async with http.put(f"http://127.0.0.1:{self._port}/json/new?about:blank") as answer:
                target = await answer.json()
            async with http.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                tab = Tab(socket)
                for domain in ("Page", "Runtime", "Network", "Log"):
                    await tab.call(f"{domain}.enable")
                size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
                await tab.call("Emulation.setDeviceMetricsOverride", **size)
                scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
                await tab.call("Emulation.setEmulatedMedia", features=[scheme])
                await tab.call("Page.navigate", url=path.as_uri())
                await tab.event("Page.loadEventFired")
                yield tab
                await tab.call("Page.close")


class Tab:
    """One page under way."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket: Final = socket
        self._number = 0
        self.events: Final[list[dict[str, Any]]] = []

    async def _next(self) -> dict[str, Any]:
        message: dict[str, Any] = await asyncio.wait_for(self._socket.receive_json(), _ANSWERS_WITHIN_S)
        if "method" in message:
            self.events.append(message)
        return message

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """A command of the protocol, and its result."""
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": params})
        while (message := await self._next()).get("id") != self._number:
            pass
        assert "error" not in message, message
        result: dict[str, Any] = message["result"]
        return result

    async def event(self, method: str) -> None:
        """Wait until it was told."""
        while not any(each["method"] == method for each in self.events):
            await self._next()

    async def value(self, expression: str) -> Any:
        """What an expression of JavaScript gives: asked from outside, so the page's own policy does not matter."""
        answer = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def press(self, key: str, *, shift: bool = False) -> None:
        """A key, down and up."""
        codes = {"Tab": 9, "Enter": 13, " ": 32, "ArrowRight": 39}
        said = {
            "key": key,
            "code": {" ": "Space"}.get(key, key),
            "windowsVirtualKeyCode": codes[key],
            "modifiers": 8 * shift,
        }
        text = {"Enter": "\r", " ": " "}.get(key)
        await self.call("Input.dispatchKeyEvent", type="keyDown", **said, **({"text": text} if text else {}))
        await self.call("Input.dispatchKeyEvent", type="keyUp", **said)

    async def pdf(self) -> bytes:
        """The page printed on A4."""
        answer = await self.call("Page.printToPDF", preferCSSPageSize=True, paperWidth=8.27, paperHeight=11.69)
        return b64decode(answer["data"])

    async def picture(self) -> bytes:
        """The whole page as PNG."""
        answer = await self.call("Page.captureScreenshot", captureBeyondViewport=True, format="png")
        return b64decode(answer["data"])
