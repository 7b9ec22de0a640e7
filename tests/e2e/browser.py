"""A Chromium without a window, and a page on an origin of its own that tells what came of its script."""

import functools
import http.server
import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from typing import Any, Final

_NAMES: Final = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
_PACKAGE: Final = "chromium-headless-shell"
_INSTALL_SECONDS: Final = 300
_PAGE: Final = """<!doctype html><script type="module">
const report = (outcome) => fetch("/report", {method: "POST", body: JSON.stringify(outcome)});
try { report({value: await (SCRIPT)()}); } catch (error) { report({error: String(error)}); }
</script>"""


def find_browser() -> str | None:
    """The machine's own, or Debian's, installed where we may; None where there is none to be had."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found or shutil.which("apt-get") is None or os.geteuid() != 0:
        return found
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", _PACKAGE]):
        try:
            subprocess.run(["apt-get", *command], capture_output=True, check=True, timeout=_INSTALL_SECONDS)
        except (subprocess.SubprocessError, OSError):
            return None
    return shutil.which(_PACKAGE)


def run_in_page(browser: str, script: str, seconds: float = 60) -> Any:
    """What an asynchronous JavaScript function returns in a page of http://127.0.0.1:PORT. Fails with its error."""
    with _site(_PAGE.replace("SCRIPT", script)) as (url, reports), tempfile.TemporaryDirectory() as profile:
        # every other flag is for a machine without a screen, without users, or without a large /dev/shm
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={profile}"]
        log = Path(profile) / "browser.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [browser, *flags, "--remote-debugging-port=0", url], stdout=output, stderr=subprocess.STDOUT
            )
        try:
            outcome = reports.get(timeout=seconds)
        except Empty:
            raise AssertionError(f"the page has told nothing:\n{log.read_text(errors='replace')}") from None
        finally:
            process.terminate()
            process.wait(10)
    assert "error" not in outcome, outcome["error"]
    return outcome["value"]


class _Handler(http.server.BaseHTTPRequestHandler):
    def __init__(self, *arguments: Any, page: str, reports: "Queue[Any]") -> None:
        self._page = page.encode()
        self._reports = reports
        super().__init__(*arguments)

    def do_GET(self) -> None:
        is_page = self.path == "/"
        self.send_response(200 if is_page else 404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        if is_page:
            self.wfile.write(self._page)

    def do_POST(self) -> None:
        self._reports.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        pass


@contextmanager
def _site(page: str) -> Iterator[tuple[str, "Queue[Any]"]]:
    reports: Queue[Any] = Queue()
    handler = functools.partial(_Handler, page=page, reports=reports)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", reports
        finally:
            server.shutdown()
            thread.join()
