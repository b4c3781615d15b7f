#!/usr/bin/env python3
"""The published OHIF viewer opens every study of the demo through our DICOMweb, with our sign-in and viewing cookie.

OHIF lies beside the archive, as a site would put it: a small proxy serves its files and passes DICOMweb and sign-in on, so
that both are one origin and the cookies (`SameSite=Strict`) go where they belong."""

import argparse
import json
import pathlib
import sys
import tempfile
import time

from beside import Beside
from chrome import Browser, Failed
from demo import Demo, trusted_key

SECONDS = 60
# The purposes for which a role opens what it sees.
PURPOSES = {"radiologist": "report", "referrer": "treatment"}
CONFIG = """window.config = {
  routerBasename: null, extensions: [], modes: [], showStudyList: true, maxNumberOfWebWorkers: 2, customizationService: {},
  showWarningMessageForCrossOrigin: false, showCPUFallbackMessage: false, useCPURendering: true, showErrorDetails: 'always',
  defaultDataSourceName: 'gauze',
  dataSources: [{
    namespace: '@ohif/extension-default.dataSourcesModule.dicomweb', sourceName: 'gauze',
    configuration: {
      friendlyName: 'Gauze', name: 'gauze', wadoUriRoot: '/wado', qidoRoot: '/dicom-web', wadoRoot: '/dicom-web',
      qidoSupportsIncludeField: true, imageRendering: 'wadors', thumbnailRendering: 'thumbnail',
      enableStudyLazyLoad: true, supportsFuzzyMatching: false, supportsWildcard: true,
      singlepart: 'bulkdata,pdf,video', bulkDataURI: { enabled: true }, omitQuotationForMultipartRequest: false,
    },
  }],
};
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ohif", required=True, help="the unpacked `dist` folder of @ohif/app")
    parser.add_argument("--pictures", help="folder for screenshots")
    parser.add_argument("--store", nargs="*", default=[], help="DICOM files to store first and open as well")
    options = parser.parse_args()
    demo = Demo()
    with tempfile.TemporaryDirectory(prefix="gauze-ohif-") as folder:
        beside = Beside(folder, demo, pathlib.Path(options.ohif), {"/app-config.js": CONFIG})
        browser = Browser(trusted_key(beside.address, beside.certificate))
        try:
            return Run(browser, beside, demo, options.pictures).all(options.store)
        finally:
            browser.close()
            beside.stop()
            demo.stop()


class Run:
    def __init__(self, browser, beside, demo, pictures):
        self.browser, self.beside, self.demo, self.pictures = browser, beside, demo, pictures
        self.failures = []

    def all(self, files):
        for path in files:
            self._store(path)
        opened = 0
        for role, purpose in PURPOSES.items():
            page = self.browser.page(width=1400, height=900)
            page.send("Page.navigate", url=self.beside.address + "/empty")
            page.wait("document.readyState === 'complete'")
            self._sign_in(page, role)
            studies = self._json(page, "/dicom-web/studies?limit=1000")
            for study in studies:
                opened += self._study(page, role, purpose, study["0020000D"]["Value"][0])
            page.close()
        print(f"{opened} studies opened, {len(self.failures)} failed")
        for failure in self.failures:
            print("FAILED", failure)
        return 1 if self.failures or not opened else 0

    def _store(self, path):
        page = self.browser.page()
        page.send("Page.navigate", url=self.beside.address + "/empty")
        page.wait("document.readyState === 'complete'")
        self._sign_in(page, "technologist")
        self.beside.files["/upload"] = pathlib.Path(path).read_bytes()
        status = page.js(
            "fetch('/upload').then((r) => r.blob()).then((body) => fetch('/dicom-web/studies', {method: 'POST', body,"
            "headers: {'Content-Type': 'application/dicom', Accept: 'application/dicom+json'}})).then((r) => r.status)")
        print(f"  {pathlib.Path(path).name}: stored {status}")
        page.close()

    def _sign_in(self, page, role):
        user, password = self.demo.accounts[role]
        status = page.js(self._post("/auth/sign-in", {"user": user, "password": password}))
        if status != 200:
            raise Failed(f"{role} cannot sign in: {status}")

    @staticmethod
    def _post(path, body):
        return (f"fetch({json.dumps(path)}, {{method: 'POST', headers: {{'Content-Type': 'application/json'}},"
                f"body: JSON.stringify({json.dumps(body)})}}).then((r) => r.status)")

    @staticmethod
    def _json(page, path):
        return json.loads(page.js(
            f"fetch({json.dumps(path)}, {{headers: {{Accept: 'application/dicom+json'}}}}).then(async (r) =>"
            "r.status === 200 ? await r.text() : '[]')"))

    def _study(self, page, role, purpose, study):
        """Opens a study; whoever may not is not counted."""
        page.send("Page.navigate", url=self.beside.address + "/empty")
        page.wait("document.readyState === 'complete' && location.pathname === '/empty'")
        status = page.js(self._post(f"/api/v1/studies/{study}/open", {"purpose": purpose, "reason": "journey"}))
        if status in (403, 404):
            return 0
        name = f"{role}, {study[-12:]}"
        try:
            if status != 200:
                raise Failed(f"open: {status}")
            self._shown(page, study)
            print(f"  {name}: shown")
        except Failed as failed:
            self.failures.append(f"{name}: {str(failed)[:700]}")
        if self.pictures:
            page.picture(f"{self.pictures}/ohif-{role}-{study[-12:]}.png")
        return 1

    def _shown(self, page, study):
        before = len(self.browser.events)
        page.send("Page.navigate", url=f"{self.beside.address}/viewer?StudyInstanceUIDs={study}")
        page.wait("!!document.querySelector('[data-cy=viewport-pane] canvas, .cornerstone-canvas')", SECONDS)
        lit = ("(() => { const c = document.querySelector('.cornerstone-canvas'); if (!c || !c.width) return 0;"
               "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; let n = 0; const seen = new Set();"
               "for (let i = 0; i < d.length; i += 4) { if (d[i] + d[i + 1] + d[i + 2] > 60) n += 1; seen.add(d[i]); }"
               "return seen.size > 8 ? n / (d.length / 4) : 0; })()")
        page.wait(f"{lit} > 0.02", SECONDS)
        bad = [(e["params"]["response"]["status"], e["params"]["response"]["url"]) for e in self.browser.events[before:]
               if e["method"] == "Network.responseReceived" and e.get("sessionId") == page.session
               and "/dicom-web" in e["params"]["response"]["url"] and e["params"]["response"]["status"] >= 400]
        if bad:
            raise Failed(f"requests that failed: {bad[:4]}")
        time.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
