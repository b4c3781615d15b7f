"""The README's commands do what it says, as they stand there; only addresses and the home are this test's."""

import io
import subprocess

import pydicom
from PIL import Image

from lib.films import demo_film, renew, to_bytes
from lib.http import signed_in
from lib.server import ROOT, Server


def script(server):
    """All indented lines of the section, with the addresses that this archive has."""
    text = (ROOT / "README.md").read_text()
    section = text.split("\n## By program\n", 1)[1].split("\n## ", 1)[0]
    lines = [line[4:] for line in section.splitlines() if line.startswith("    ")]
    ready = server.ready
    given = {
        "home=.gauze-demo": f"home={server.home}",
        "127.0.0.1:8443": ready["https"],
        "127.0.0.1 11112": ready["dimse"].replace(":", " "),
        "127.0.0.1 2762": ready["dimse_tls"].replace(":", " "),
    }
    commands = "\n".join(lines)
    for named, real in given.items():
        assert named in commands, f"the README no longer says `{named}`"
        commands = commands.replace(named, real)
    return commands


def run(report, place):
    """One shell runs all of it and stops at the first command that fails."""
    folder = place.work / "readme"
    folder.mkdir()
    film = renew(demo_film("karl-chest"))
    (folder / "film.dcm").write_bytes(to_bytes(film))
    with Server(place.fresh("readme")) as server:
        shell = ["bash", "-euxo", "pipefail", "-c", script(server)]
        done = subprocess.run(shell, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
        report.check("every command of the README ends well", done.returncode == 0, f"({done.returncode}: {done.stderr[-600:]})")
        report.check("the open answer is masked", '"visibility":"masked"' in done.stderr, done.stderr[-300:])
        picture = Image.open(io.BytesIO((folder / "film.jpg").read_bytes()))
        report.check("film.jpg is the film", picture.size == size("anna-chest"), str(picture.size))
        path = f"/dicom-web/studies?StudyInstanceUID={film.StudyInstanceUID}"
        answer = signed_in(server, "radiologist").ask("GET", path, accept="application/dicom+json")
        report.check("what it stores is found", answer.status == 200 and len(answer.json()) == 1, f"({answer.status})")


def size(name):
    """Columns and rows of a demo film."""
    film = demo_film(name)
    assert isinstance(film, pydicom.Dataset)
    return film.Columns, film.Rows
