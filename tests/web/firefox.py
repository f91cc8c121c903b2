"""Firefox by Marionette, its own protocol for remote control, which geckodriver speaks too: no driver is needed."""

import json
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # key of an element's id (W3C WebDriver)
STARTING = 120.0  # seconds
WAITING = 200_000  # ms that a script may take
PREFERENCES = """user_pref("marionette.port", 0);
user_pref("app.update.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("toolkit.telemetry.server", "");
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("dom.serviceWorkers.enabled", false);
user_pref("ui.prefersReducedMotion", 1);
user_pref("intl.accept_languages", "en");
"""


def find_firefox() -> str | None:
    """Return the program, or None where there is none."""
    return shutil.which("firefox-esr") or shutil.which("firefox")


class Firefox:
    """A Firefox without a window, and its one page.

    Args:
        program: The program.
        profile: An empty folder.
    """

    def __init__(self, program: str, profile: Path):
        (profile / "user.js").write_text(PREFERENCES, "utf-8")
        arguments = ["--headless", "--marionette", "--no-remote", "--profile", str(profile)]
        self.process = subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.number = 0
        try:
            self.socket = socket.create_connection(("127.0.0.1", self._port(profile)))
            self.socket.settimeout(STARTING + WAITING / 1000)
            self._message()  # its greeting
            self.send("WebDriver:NewSession", {"capabilities": {"alwaysMatch": {"timeouts": {"script": WAITING}}}})
        except BaseException:
            self.process.kill()
            raise

    def _port(self, profile: Path) -> int:
        """Return the port that it listens on, which it writes into its profile."""
        ends = time.monotonic() + STARTING
        while time.monotonic() < ends:
            try:
                return int((profile / "MarionetteActivePort").read_text())
            except (OSError, ValueError):  # not written yet
                time.sleep(0.1)
        raise TimeoutError(f"Firefox did not start within {STARTING:g} s")

    def _message(self) -> Any:
        """Return the next message: its length, a colon, JSON."""
        length = b""
        while not length.endswith(b":"):
            length += self._bytes(1)
        return json.loads(self._bytes(int(length[:-1])))

    def _bytes(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            piece = self.socket.recv(count - len(data))
            if not piece:
                raise ConnectionError("Firefox has ended")
            data += piece
        return data

    def send(self, command: str, parameters: dict[str, Any]) -> Any:
        """Run a command of WebDriver and return its result.

        Raises:
            RuntimeError: The command failed.
        """
        self.number += 1
        text = json.dumps([0, self.number, command, parameters]).encode()
        self.socket.sendall(b"%d:%s" % (len(text), text))
        _, _, error, result = self._message()
        if error:
            raise RuntimeError(f"{command}: {error['error']}: {error['message']}")
        return result.get("value") if isinstance(result, dict) and "value" in result else result

    def open(self, address: str) -> None:
        """Load a page; another fragment alone does not load it again."""
        self.send("WebDriver:Navigate", {"url": "about:blank"})
        self.send("WebDriver:Navigate", {"url": address})

    def run(self, script: str, *arguments: Any) -> Any:
        """Return what a script returns."""
        return self.send("WebDriver:ExecuteScript", {"script": script, "args": list(arguments)})

    def wait(self, condition: str, *arguments: Any) -> Any:
        """Return the first true value of an expression, in which `arguments` are those given here."""
        script = f"""const done = arguments[arguments.length - 1];
            const look = () => {{ const value = ({condition}); if (value) done(value); else setTimeout(look, 20); }};
            look();"""
        return self.send("WebDriver:ExecuteAsyncScript", {"script": script, "args": list(arguments)})

    def _element(self, selector: str) -> str:
        found = self.send("WebDriver:FindElement", {"using": "css selector", "value": selector})
        return found[ELEMENT]

    def click(self, selector: str) -> None:
        """Click an element, as a mouse does."""
        self.send("WebDriver:ElementClick", {"id": self._element(selector)})

    def type(self, selector: str, text: str) -> None:
        """Type a text into an element, key by key."""
        self.send("WebDriver:ElementSendKeys", {"id": self._element(selector), "text": text})

    def close(self) -> None:
        """End it."""
        try:
            self.send("Marionette:Quit", {"flags": ["eForceQuit"]})
            self.process.wait(30)
        except (OSError, RuntimeError, subprocess.TimeoutExpired):
            self.process.kill()
        self.socket.close()
        self.process.wait(30)
