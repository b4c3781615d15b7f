"""A small client of Chromium's DevTools protocol: one browser, pages apart from each other by their cookies."""

import base64
import itertools
import json
import pathlib
import shutil
import subprocess
import tempfile
import time

import websocket

# Collects what the page's policy refused, so that a test can see that it refused nothing.
WATCH = """
window.gauzeRefused = [];
document.addEventListener('securitypolicyviolation', (e) =>
  window.gauzeRefused.push(e.violatedDirective + ' ' + e.blockedURI + ' ' + e.sourceFile + ':' + e.lineNumber));
"""

# Finds a control by its accessible words, as a person does.
FIND = """
window.gauzeFind = (words) => [...document.querySelectorAll('button, a, label, summary, tr, [role=button]')]
  .filter((e) => e.getClientRects().length > 0)
  .find((e) => [e.getAttribute('aria-label'), e.innerText].some((s) => (s || '').replace(/\\s+/g, ' ').includes(words)));
"""


class Failed(Exception):
    """The page did not do what was expected."""


class Browser:
    def __init__(self, trusted_key=None):
        self.folder = tempfile.mkdtemp(prefix="gauze-chromium-")
        arguments = [
            "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions",
            "--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0",
            "--remote-allow-origins=*", "--force-color-profile=srgb", f"--user-data-dir={self.folder}", "--lang=en-GB",
        ]
        if trusted_key:
            arguments.append(f"--ignore-certificate-errors-spki-list={trusted_key}")
        self.process = subprocess.Popen(
            arguments + ["about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.socket = self._connect()
        self.numbers = itertools.count(1)
        self.events = []

    def _connect(self):
        told = pathlib.Path(self.folder, "DevToolsActivePort")
        for _ in range(300):
            if told.exists() and told.read_text().count("\n") >= 1:
                port, path = told.read_text().split("\n")[:2]
                return websocket.create_connection(f"ws://127.0.0.1:{port}{path}", timeout=60, max_size=None)
            time.sleep(0.1)
        raise Failed("chromium did not start")

    def send(self, method, session=None, **params):
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        self.socket.send(json.dumps(message))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == number:
                if "error" in answer:
                    raise Failed(f"{method}: {answer['error']['message']}")
                return answer["result"]
            if "method" in answer:
                self.events.append(answer)

    def page(self, **size):
        return Page(self, **size)

    def close(self):
        try:
            self.send("Browser.close")
        except Exception:
            self.process.terminate()
        self.socket.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Page:
    """A tab with cookies of its own."""

    def __init__(self, browser, width=1280, height=800, phone=False, language="en-GB"):
        self.browser = browser
        self.context = browser.send("Target.createBrowserContext")["browserContextId"]
        target = browser.send("Target.createTarget", url="about:blank", browserContextId=self.context)
        self.session = browser.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.send(f"{domain}.enable")
        self.send("Page.addScriptToEvaluateOnNewDocument", source=WATCH + FIND)
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=2 if phone else 1, mobile=phone)
        self.send("Emulation.setTouchEmulationEnabled", enabled=phone)
        agent = browser.send("Browser.getVersion")["userAgent"]
        self.send("Emulation.setUserAgentOverride", userAgent=agent, acceptLanguage=language)

    def send(self, method, **params):
        return self.browser.send(method, session=self.session, **params)

    def go(self, address):
        self.send("Page.navigate", url=address)
        self.wait("document.readyState === 'complete' && !!document.querySelector('#app > *')")

    def js(self, expression):
        result = self.send("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            detail = result["exceptionDetails"]
            raise Failed(f"{expression}: {detail.get('exception', {}).get('description', detail['text'])}")
        return result["result"].get("value")

    def wait(self, expression, seconds=15):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                value = self.js(f"(() => {{ return {expression}; }})()")
                if value:
                    return value
            except Failed as failed:
                if "context" not in str(failed):
                    raise
            time.sleep(0.02)
        text = self.js("document.body.innerText")
        raise Failed(f"waited {seconds} s for {expression}; the page says:\n{text[:600]}")

    def text(self):
        return self.js("document.body.innerText")

    def click(self, words, seconds=15):
        """Clicks the control with these words, by a real mouse event in its middle."""
        quoted = json.dumps(words)
        self.wait(f"!!gauzeFind({quoted}) && !gauzeFind({quoted}).disabled", seconds)
        box = self.js(f"""(() => {{ const e = gauzeFind({quoted}); e.scrollIntoView({{block: 'center'}});
            const b = e.getBoundingClientRect(); return [b.left + b.width / 2, b.top + b.height / 2]; }})()""")
        self.mouse("mousePressed", *box)
        self.mouse("mouseReleased", *box)

    def mouse(self, kind, x, y, button="left", **more):
        buttons = 0 if kind == "mouseReleased" else {"left": 1, "right": 2, "none": 0}[button]
        self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button=button, buttons=buttons, clickCount=1, **more)

    def drag(self, points, button="left"):
        self.mouse("mousePressed", *points[0], button=button)
        for point in points[1:]:
            self.mouse("mouseMoved", *point, button=button)
        self.mouse("mouseReleased", *points[-1], button=button)

    def swipe(self, points):
        """A finger on the glass."""
        self.send("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": points[0][0], "y": points[0][1]}])
        for x, y in points[1:]:
            self.send("Input.dispatchTouchEvent", type="touchMove", touchPoints=[{"x": x, "y": y}])
        self.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def key(self, key, text=None, modifiers=0):
        text = text or (key if len(key) == 1 else {"Enter": "\r"}.get(key))
        codes = {"Enter": 13, "Escape": 27, "ArrowDown": 40, "ArrowUp": 38, "ArrowLeft": 37, "ArrowRight": 39,
                 "Delete": 46, "Tab": 9, "PageDown": 34, "PageUp": 33}
        code = codes.get(key, ord(key.upper()) if len(key) == 1 else 0)
        event = {"key": key, "windowsVirtualKeyCode": code, "modifiers": modifiers}
        self.send("Input.dispatchKeyEvent", type="keyDown", **event, **({"text": text} if text else {}))
        self.send("Input.dispatchKeyEvent", type="keyUp", **event)

    def fill(self, selector, text):
        self.wait(f"!!document.querySelector({json.dumps(selector)})")
        self.js(f"document.querySelector({json.dumps(selector)}).focus()")
        self.js(f"document.querySelector({json.dumps(selector)}).select?.()")
        self.send("Input.insertText", text=text)

    def picture(self, path):
        data = self.send("Page.captureScreenshot", format="png")["data"]
        pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
        pathlib.Path(path).write_bytes(base64.b64decode(data))

    def refused(self):
        """What the page's policy refused, and errors of its script."""
        thrown = [
            e["params"]["exceptionDetails"].get("exception", {}).get("description", "")
            for e in self.browser.events
            if e["method"] == "Runtime.exceptionThrown" and e.get("sessionId") == self.session
        ]
        return self.js("window.gauzeRefused") + thrown

    def responses(self):
        """Address, status and type of everything that came."""
        return [
            (e["params"]["response"]["url"], e["params"]["response"]["status"], e["params"]["response"]["mimeType"])
            for e in self.browser.events
            if e["method"] == "Network.responseReceived" and e.get("sessionId") == self.session
        ]

    def close(self):
        self.browser.send("Target.disposeBrowserContext", browserContextId=self.context)


