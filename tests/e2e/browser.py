"""A page in headless Chromium: what a script finds in it, and what it looks like. Nothing is opened but files and addresses of this machine."""
import html
import json
import os
import re
import shutil
import subprocess
import tempfile

_FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
          "--disable-component-update", "--disable-sync", "--hide-scrollbars"]


def chromium():
    """Its path, or None."""
    return shutil.which("chromium")


def _run(*arguments):
    with tempfile.TemporaryDirectory() as profile:
        # A browser's own processes may still write there when it has ended.
        done = subprocess.run([chromium(), *_FLAGS, f"--user-data-dir={profile}/browser", *arguments], capture_output=True, text=True,
                              timeout=120, stdin=subprocess.DEVNULL, env={**os.environ, "HOME": profile})
        shutil.rmtree(f"{profile}/browser", ignore_errors=True)
    return done


def dom(address):
    """The page at an address of this machine, when it has settled: its text."""
    return _run("--dump-dom", "--virtual-time-budget=15000", address).stdout


def screenshot(address, path, size):
    """`size`: "1220,500"."""
    _run(f"--screenshot={path}", f"--window-size={size}", "--virtual-time-budget=15000", address)
    if not os.path.exists(path):
        raise AssertionError("there is no screenshot")


def ask(page, script):
    """What `script`, the body of a function, returns when it runs at the end of the page (.svg or .html): any JSON."""
    text = page.read_text()
    end = "</svg>" if page.suffix == ".svg" else "</body>"
    run = ("let answer; try { answer = {value: (function () {" + script + "})()}; } catch (e) { answer = {error: String(e)}; } "
           "document.documentElement.setAttribute('data-answer', JSON.stringify(answer));")
    run = f"<script><![CDATA[{run}]]></script>" if page.suffix == ".svg" else f"<script>{run}</script>"
    at = text.rindex(end)
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/page{page.suffix}"
        with open(path, "w") as file:
            file.write(text[:at] + run + text[at:])
        done = _run("--dump-dom", "--window-size=1220,600", f"file://{path}")
    found = re.search(r'data-answer="([^"]*)"', done.stdout)
    if not found:
        raise AssertionError("the page did not answer: " + done.stderr[-500:])
    answer = json.loads(html.unescape(found[1]))
    if "error" in answer:
        raise AssertionError(answer["error"])
    return answer.get("value")
