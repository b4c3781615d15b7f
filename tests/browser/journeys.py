#!/usr/bin/env python3
"""Every role's journey through the pages of a running archive, in Chromium."""

import argparse
import base64
import json
import sys
import time
import traceback

import emergency
import rules
import pixels
from chrome import Browser, Failed
from demo import Demo

# The demo's film with an order for the radiologist and a relation of the referrer (testdata/demo/films.toml).
ANNA = ("GZ-1001", "2026-11-20")
# Without an order, and without a relation of the referrer.
MARIE = ("GZ-1005", "2026-11-23")
# A patient with one study.
SINGLE = "GZ-1004"
FIRST_PAINT_MS = 1000
LIFT_SECONDS = 2.0
ON_SCREEN = "!!document.querySelector('canvas[data-has=samples]')"


def expect(holds, what):
    if not holds:
        raise Failed(what)


class Journey:
    """One person in a browser of their own."""

    def __init__(self, run, role, **look):
        self.run, self.role = run, role
        self.page = run.browser.page(**look)
        self.page.go(run.demo.address + "/")
        self.sign_in(*run.demo.accounts[role])

    def sign_in(self, user, password):
        page = self.page
        page.fill("input[name=user]", user)
        page.fill("input[name=password]", password)
        page.key("Enter")
        page.wait("!document.querySelector('input[name=password]') && !!document.querySelector('main')")

    def picture(self, name):
        if self.run.pictures:
            time.sleep(0.3)
            self.page.picture(f"{self.run.pictures}/{name}.png")

    def open(self, number, date):
        """Opens a study from the list by the keyboard alone."""
        page = self.page
        page.wait("document.querySelectorAll('tbody tr').length > 0")
        rows = page.js("[...document.querySelectorAll('tbody tr')].map((r) => r.innerText)")
        at = next((i for i, row in enumerate(rows) if number in row and date in row), None)
        expect(at is not None, f"no study of {number} on {date} in the list:\n{rows}")
        focus = f"document.querySelector('tbody tr[data-at=\"{at}\"]').focus()"
        page.js(focus)
        page.key("Enter")
        try:
            page.wait("!!document.querySelector('.viewer')", 5)
        except Failed:
            # The list came anew between the two on a busy machine, and the focus was lost: a person presses the key once more.
            print("  the key was pressed twice")
            page.js(focus)
            page.key("Enter")
            page.wait("!!document.querySelector('.viewer')")

    def seen(self, visibility):
        page = self.page
        page.wait(f"document.querySelector('canvas')?.dataset.visibility === '{visibility}' && {ON_SCREEN}")
        shown = page.js("(() => { const c = document.querySelector('canvas'), d = c.getContext('2d')"
                        ".getImageData(0, 0, c.width, c.height).data; let n = 0;"
                        "for (let i = 0; i < d.length; i += 4) if (d[i] > 20) n += 1; return n / (d.length / 4); })()")
        expect(shown > 0.05, f"the screen is black: {shown:.3f} of it is lit")

    def first_paint(self):
        took = self.page.wait("document.querySelector('.viewer').dataset.firstPaint")
        print(f"  first paint {took} ms")
        expect(int(took) < FIRST_PAINT_MS, f"first paint took {took} ms")

    def back(self):
        self.page.key("Escape")
        self.page.wait("document.querySelectorAll('tbody tr').length > 0")

    def lift(self):
        begun = time.monotonic()
        self.page.key("u")
        self.page.wait("!!document.querySelector('dialog[open]')")
        self.page.key("1")
        self.seen("lifted")
        took = time.monotonic() - begun
        print(f"  lifted in {took:.2f} s")
        expect(took < LIFT_SECONDS, f"lifting took {took:.2f} s")

    def study(self):
        return self.page.js("document.querySelector('.viewer').dataset.study")

    def get(self, path, accept="*/*"):
        """Status and bytes of a request with this browser's cookies."""
        status, data = self.page.js(
            f"fetch({json.dumps(path)}, {{headers: {{Accept: {json.dumps(accept)}}}, cache: 'no-store'}}).then(async (r) => {{"
            "const b = new Uint8Array(await r.arrayBuffer()); let s = '';"
            "for (let i = 0; i < b.length; i += 32768) s += String.fromCharCode(...b.subarray(i, i + 32768));"
            "return [r.status, btoa(s)]; })")
        return status, base64.b64decode(data)

    def samples(self):
        """Samples of the first picture of the study that is open, as they come over the wire."""
        study = self.study()
        status, found = self.get(f"/dicom-web/studies/{study}/instances", "application/dicom+json")
        expect(status == 200, f"instances: {status}")
        first = json.loads(found)[0]
        value = lambda tag: first[tag]["Value"][0]
        path = f"/dicom-web/studies/{study}/series/{value('0020000E')}/instances/{value('00080018')}"
        status, data = self.get(f"{path}/frames/1", "application/octet-stream")
        expect(status == 200, f"frames: {status}")
        rows, columns = int(value("00280010")), int(value("00280011"))
        return pixels.samples(data, rows, columns, 8 * len(data) // (rows * columns))

    def no_pictures(self, study):
        """Whatever is asked for, no picture comes."""
        status = self.page.js(
            f"fetch('/api/v1/studies/{study}/open', {{method: 'POST', headers: {{'Content-Type': 'application/json'}},"
            "body: JSON.stringify({purpose: 'treatment', reason: 'test'})}).then((r) => r.status)")
        expect(status in (403, 404), f"{self.role} could open: {status}")
        for form in ("rendered", "thumbnail", "metadata"):
            status, _ = self.get(f"/dicom-web/studies/{study}/{form}")
            expect(status in (401, 403, 404), f"{self.role} got {form}: {status}")
        for address, status, kind in self.page.responses():
            picture = kind.startswith(("image/j", "image/p", "application/octet", "application/dicom", "multipart"))
            expect(not (picture and status == 200), f"{self.role} got {kind} from {address}")

    def end(self):
        """Nothing was refused by the page's own policy, no text is missing, and signing out ends the session."""
        refused = self.page.refused()
        expect(not refused, f"refused by the page's policy, or thrown: {refused}")
        self.no_raw_keys()
        words = "退出登录" if self.page.js("document.documentElement.lang").startswith("zh") else "Sign out"
        self.page.click(words)
        self.page.wait("!!document.querySelector('input[name=password]')")
        status, _ = self.get("/api/v1/me")
        expect(status == 401, f"signed out, and still known: {status}")
        if self.page.js("history.length") > 2:  # a blank page and the sign-in page come before the first study
            self.page.js("history.back()")
            time.sleep(0.3)
            expect("GZ-" not in self.page.text(), "going back after signing out shows a patient")
        self.page.close()

    def no_raw_keys(self):
        import re
        raw = re.findall(r"\b(?:app|sign-in|error|role|purpose|list|viewer|visibility|films|film|looked|mask|accesses|kind|detail|place)\.[a-z][a-z-]+", self.page.text())
        expect(not raw, f"texts are missing: {raw}")


class Run:
    def __init__(self, demo, browser, pictures):
        self.demo, self.browser, self.pictures = demo, browser, pictures
        self.study = None
        self.clear = None
        self.masked = None
        self.drawn = False

    def sign_in_page(self):
        page = self.browser.page()
        page.go(self.demo.address + "/")
        page.wait("!!document.querySelector('input[name=password]')")
        expect("Sign in" in page.text(), "no sign-in page")
        page.fill("input[name=user]", "vendor")  # of a name that nobody has only the number of attempts is kept
        page.fill("input[name=password]", "wrong")
        page.key("Enter")
        page.wait("document.body.innerText.includes('wrong')")
        page.click("中文")
        page.wait("document.body.innerText.includes('用户名或密码不正确')")
        page.go(self.demo.address + "/")
        page.wait("document.body.innerText.includes('密码')")
        expect(page.js("document.documentElement.lang") == "zh-CN", "the language is not remembered")
        expect(not page.refused(), f"refused: {page.refused()}")
        page.close()

    def radiologist(self):
        one = Journey(self, "radiologist")
        page = one.page
        page.wait("document.querySelectorAll('tbody tr').length > 3")
        expect("测试安娜" in page.text() and "Order for you" in page.text(), "the list lacks a name or a mark")
        one.picture("worklist")
        one.open(*ANNA)
        one.seen("clear")
        one.first_paint()
        expect("Probe, Anna" in page.text() and ANNA[0] in page.text(), "no name beside the picture")
        expect(not page.js("!!document.querySelector('dialog[open]')"), "a click too many")
        one.picture("viewer-clear")
        self.study, self.clear = one.study(), one.samples()
        self.window_and_zoom(page)
        one.back()
        page.fill("input[type=search]", MARIE[0])
        page.wait(f"[...document.querySelectorAll('tbody tr')].every((r) => r.innerText.includes('{MARIE[0]}'))")
        one.open(*MARIE)
        one.seen("masked")
        one.first_paint()
        one.lift()
        one.end()

    def window_and_zoom(self, page):
        words = "document.querySelector('.corner.left').innerText"
        before = page.js(words)
        page.drag([(600, 400), (640, 400), (680, 430)], button="right")
        page.wait(f"{words} !== {json.dumps(before)}")
        page.key("+")
        page.wait(f"{words}.includes('125')")
        page.mouse("mousePressed", 600, 400)
        page.mouse("mouseReleased", 600, 400)
        page.send("Input.dispatchMouseEvent", type="mousePressed", x=600, y=400, button="left", clickCount=2)
        page.send("Input.dispatchMouseEvent", type="mouseReleased", x=600, y=400, button="left", clickCount=2)
        page.wait(f"{words} === {json.dumps(before)}")

    def referrer(self):
        one = Journey(self, "referrer")
        one.open(*ANNA)
        one.seen("masked")
        one.first_paint()
        one.picture("viewer-masked")
        self.masked = one.samples()
        self.masked_well(self.masked)
        one.lift()
        expect((one.samples() == self.clear).all(), "the lifted picture is not the acquired one")
        one.back()
        one.open(*MARIE)
        one.page.wait("!!document.querySelector('dialog[open]') || !!document.querySelector('canvas[data-has]:not([data-has=nothing])')")
        if one.page.js("!!document.querySelector('dialog[open]')"):
            one.page.key("2")
        one.seen("masked")
        one.page.key("u")
        one.page.wait("document.body.innerText.includes('no relation to this patient')")
        one.end()

    def masked_well(self, masked):
        clear = self.clear
        share = float((clear != masked).mean())
        left = pixels.left_of_detail(clear, masked)
        print(f"  {share:.0%} of the film hidden; detail left of it |r| = {abs(left):.3f}")
        expect(0.02 < share < 0.75, f"{share:.0%} of the film is hidden")
        expect(abs(left) <= 0.1, f"detail of the hidden region is left: r = {left:.3f}")
        heart = [pixels.part(x, 0.42, 0.25, 0.58, 0.5) for x in (clear, masked)]
        expect((heart[0] == heart[1]).all(), "the mediastinum is not as acquired")

    def researcher(self):
        one = Journey(self, "researcher")
        page = one.page
        page.wait("document.querySelectorAll('tbody tr').length > 0")
        page.key("ArrowDown")
        page.key("Enter")
        one.seen("deidentified")
        one.first_paint()
        one.picture("viewer-deidentified")
        for word in ("Probe", "安娜", "GZ-1", "1978", "Muster", "Exemple"):
            expect(word not in page.text(), f"the researcher reads {word}")
        one.end()

    def patient(self):
        one = Journey(self, "patient", width=390, height=844, phone=True)
        page = one.page
        page.wait("document.querySelectorAll('.film').length > 0")
        one.picture("my-films")
        page.js("[...document.querySelectorAll('.film')].find((f) => f.innerText.includes('2026-11-20')).click()")
        page.wait("!!document.querySelector('.picture canvas') && document.querySelectorAll('[data-kind=lifted]').length > 0")
        said = page.text()
        for words in ("Referring doctor", "took the mask off", "The covered region matters for the clinical question", "Radiologist", "writing the report"):
            expect(words in said, f"who looked does not say `{words}`:\n{said}")
        page.js("document.querySelector('[data-kind=lifted]').scrollIntoView({block: 'center'})")
        one.picture("who-looked")
        self.draw(one)
        one.end()

    def draw(self, one):
        page = one.page
        page.click("Draw a mask")
        page.wait("document.body.innerText.includes('It does not make you anonymous')")
        expect("under an order" in page.text(), "it is not said for whom the mask holds")
        one.picture("mask-before")
        page.click("I have read this")
        page.click("Go on and draw")
        page.wait("!!document.querySelector('.surface')")
        page.js("document.querySelector('.surface').scrollIntoView({block: 'center'})")
        left, top, width, height = page.js(
            "(() => { const b = document.querySelector('.surface').getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; })()")
        shape = [(0.40, 0.24), (0.60, 0.24), (0.60, 0.52), (0.40, 0.52), (0.40, 0.26)]
        page.swipe([(left + x * width, top + y * height) for x, y in shape])
        page.wait("document.querySelectorAll('polygon.region').length === 1")
        one.picture("mask-drawn")
        page.click("Save the mask")
        page.wait("document.body.innerText.includes('Saved.')")
        self.drawn = True

    def mask_holds(self):
        """The referrer's next request shows the drawn mask; who reports under an order still sees all."""
        expect(self.drawn, "the patient drew no mask")
        one = Journey(self, "referrer")
        one.open(*ANNA)
        one.seen("masked")
        now = one.samples()
        expect(self.masked is not None, "the film was not seen before the mask was drawn")
        heart = [pixels.part(x, 0.44, 0.28, 0.56, 0.48) for x in (self.masked, now)]
        changed = float((heart[0] != heart[1]).mean())
        print(f"  {changed:.0%} of the drawn region changed")
        expect(changed > 0.9, f"only {changed:.0%} of the drawn region is hidden")
        one.picture("viewer-drawn-mask")
        one.end()
        two = Journey(self, "radiologist")
        two.open(*ANNA)
        two.seen("clear")
        expect((two.samples() == self.clear).all(), "the drawn mask hides the film from who reports on it")
        two.end()

    def everywhere(self):
        """The patient hides a part of her body on all films, from everybody; who reports lifts it; her doctor draws, too."""
        one = Journey(self, "patient", width=390, height=844, phone=True, language="zh-CN")
        page = one.page
        page.wait("document.querySelectorAll('.film').length > 0")
        page.js("[...document.querySelectorAll('.film')].find((f) => f.innerText.includes('2026-11-20')).click()")
        page.wait("!!document.querySelector('.picture canvas')")
        page.click("修改遮挡")
        page.click("我已阅读")
        page.click("继续绘制")
        page.wait("document.querySelectorAll('#everywhere').length === 1 && document.querySelectorAll('input[type=radio]').length === 3")
        wide = page.js("document.documentElement.scrollWidth")
        expect(wide <= 390, f"the page is {wide} wide on a telephone")
        page.js("document.querySelector('input[type=radio]').click()")
        page.js("document.querySelectorAll('.parts input')[0].click()")
        page.js("document.querySelector('#everywhere').scrollIntoView()")
        one.picture("mask-everywhere")
        page.click("保存并用于所有影像")
        page.wait("document.body.innerText.includes('对所有影像有效')")
        one.end()
        two = Journey(self, "radiologist")
        two.open(*ANNA)
        two.seen("masked")
        expect((two.samples() != self.clear).mean() > 0.02, "nothing is hidden from who reports")
        two.lift()
        expect((two.samples() == self.clear).all(), "the lifted picture is not the acquired one")
        two.end()
        three = Journey(self, "referrer")
        three.open(*ANNA)
        three.seen("masked")
        three.page.click("Draw a mask")
        three.page.wait("!!document.querySelector('.surface') && document.querySelectorAll('input[type=radio]').length === 2")
        expect("Others have drawn 1 regions" in three.page.text(), "the doctor is not told what the patient drew")
        three.picture("mask-doctor")
        three.end()

    def scanned(self):
        """A number and Enter at once, as a scanner types them: that patient's study, never the first of the list before."""
        one = Journey(self, "radiologist")
        page = one.page
        page.wait("document.querySelectorAll('tbody tr').length > 3")
        page.key("/")
        page.js(f"(() => {{ const b = document.querySelector('input[type=search]'); b.value = '{SINGLE}'; b.dispatchEvent(new Event('input', {{bubbles: true}})); }})()")
        page.key("Enter")
        page.wait("!!document.querySelector('.viewer')")
        expect(SINGLE in page.text(), f"another patient was opened:\n{page.text()[:300]}")
        one.end()

    def officer(self):
        one = Journey(self, "officer")
        page = one.page
        page.wait("document.querySelectorAll('tbody tr').length > 5")
        page.click("Openings")
        page.wait("document.querySelectorAll('[data-kind=lifted]').length > 0 && document.querySelectorAll('[data-kind=\"signed-in\"]').length === 0")
        one.picture("accesses")
        page.click("Refusals")
        page.wait("document.querySelectorAll('[data-kind=\"sign-in-refused\"]').length > 0")
        one.no_pictures(self.study)
        one.end()

    def two_persons(self):
        """The administrator merges two numbers; only when the officer says yes is it agreed; then it is taken back."""
        reason = lambda page, text: (page.fill("dialog[open] input", text), page.key("Enter"), page.wait("!document.querySelector('dialog[open]')"))
        admin = Journey(self, "admin")
        admin.page.click("Put right")
        admin.page.wait("document.querySelectorAll('form.fields input').length === 4")
        for at, text in enumerate(("GZ-1006", "GAUZE-DEMO", "GZ-1001", "GAUZE-DEMO")):
            admin.page.js(f"document.querySelectorAll('form.fields input')[{at}].id = 'field{at}'")
            admin.page.fill(f"#field{at}", text)
        admin.page.key("Enter")
        admin.page.wait("!!document.querySelector('dialog[open]')")
        reason(admin.page, "two cards, one person")
        admin.page.wait("document.querySelector('tr[data-change]')?.innerText.includes('second person')")
        expect("Confirm" not in admin.page.js("document.querySelector('tr[data-change]').innerText"), "the author could confirm")
        officer = Journey(self, "officer")
        officer.page.click("Put right")
        officer.page.wait("!!document.querySelector('tr[data-change] .button.main')")
        officer.picture("second-person")
        officer.page.js("document.querySelector('tr[data-change] .button.main').click()")
        officer.page.wait("!!document.querySelector('dialog[open]')")
        reason(officer.page, "her passport says so")
        officer.page.wait("document.body.innerText.includes('Confirmed by officer')")
        number = officer.page.js("[...document.querySelectorAll('tr[data-change]')].find((r) => r.innerText.includes('Confirmed by')).dataset.change")
        officer.page.js(f"document.querySelector('tr[data-change=\"{number}\"] .button').click()")
        officer.page.wait("!!document.querySelector('dialog[open]')")
        reason(officer.page, "a test")
        officer.page.wait(f"document.querySelector('tr[data-change=\"{number}\"]').innerText.includes('Taken back')")
        admin.end()
        officer.end()

    def without_pictures(self, role):
        one = Journey(self, role)
        one.page.wait("document.body.innerText.includes('What you cannot do here')")
        one.no_pictures(self.study)
        one.end()

    def chinese(self):
        """The same pages in Chinese, on a telephone."""
        for role, words in (("radiologist", "检查列表"), ("patient", "我的影像"), ("officer", "访问与拒绝记录"), ("vendor", "您在这里不能做什么")):
            one = Journey(self, role, width=390, height=844, phone=True, language="zh-CN")
            one.page.wait(f"document.body.innerText.includes('{words}')")
            wide = one.page.js("document.documentElement.scrollWidth")
            expect(wide <= 390, f"{role}'s page is {wide} wide on a telephone")
            if role == "radiologist":
                one.page.wait("document.querySelectorAll('tbody tr').length > 0")
                one.open(*ANNA)
                one.seen("clear")
                expect("清晰" in one.page.text() and "不作为正式诊断依据" in one.page.text(), "the viewer is not in Chinese")
                one.picture("viewer-zh-phone")
            one.end()


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--pictures", help="write screenshots into this folder (docs/pictures)")
    arguments.add_argument("--address", help="an archive that runs already, instead of a new demo")
    arguments.add_argument("--accounts", help="its accounts file")
    arguments.add_argument("--ca", help="its certificate authority")
    given = arguments.parse_args()
    demo = Demo(given.address, given.accounts, given.ca)
    failed = []
    try:
        browser = Browser(demo.key)
        try:
            run = Run(demo, browser, given.pictures)
            steps = [
                ("sign-in page", run.sign_in_page), ("radiologist", run.radiologist), ("referrer", run.referrer),
                ("researcher", run.researcher), ("patient", run.patient), ("drawn mask", run.mask_holds),
                ("scanned", run.scanned),
                ("emergency", lambda: emergency.journey(run, Journey, expect)),
                ("officer", run.officer), ("two persons", run.two_persons),
                ("rules", lambda: rules.journey(run, Journey, expect)), ("admin", lambda: run.without_pictures("admin")),
                ("vendor", lambda: run.without_pictures("vendor")), ("technologist", lambda: run.without_pictures("technologist")),
                ("Chinese", run.chinese), ("everywhere", run.everywhere),
            ]
            for name, step in steps:
                begun = time.monotonic()
                print(name)
                try:
                    step()
                    print(f"  passed in {time.monotonic() - begun:.1f} s")
                except Exception:
                    failed.append(name)
                    traceback.print_exc()
        finally:
            browser.close()
    finally:
        demo.stop()
    print(f"failed: {', '.join(failed)}" if failed else "all journeys passed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
