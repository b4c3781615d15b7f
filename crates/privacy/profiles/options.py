"""Makes `options.txt`, `content.txt` and `private.txt` beside this file, and `testdata/standard/annex-e.tsv`: what the options of PS3.15
Annex E say of attributes (Table E.1-1), of content items (Table E.3.4-1), and which private attributes are safe (Table E.3.10-1).

    python options.py CONFIDENTIALITY_PROFILE_ATTRIBUTES.json CHAPTER_E.rst

The first file is that of the dicom-standard project (innolitics, MIT), made from PS3.15 2025a. The second is Annex E as text with grid
tables, as pandoc writes it of the standard's DocBook; the one used is older than 2025a: its tables of content items and private attributes.
"""

import json
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
# Columns of the first file, in the order of the codes of CID 7050.
COLUMNS = {
    "cleanGraphOpt": "clean-graphics",
    "cleanStructContOpt": "clean-structured-content",
    "cleanDescOpt": "clean-descriptors",
    "rtnLongFullDatesOpt": "retain-full-dates",
    "rtnLongModifDatesOpt": "retain-modified-dates",
    "rtnPatCharsOpt": "retain-patient-characteristics",
    "rtnDevIdOpt": "retain-device-identity",
    "rtnUIDsOpt": "retain-uids",
    "rtnSafePrivOpt": "retain-safe-private",
    "rtnInstIdOpt": "retain-institution-identity",
}
# Columns of Table E.3.4-1 after the basic action.
OF_CONTENT = ["rtnUIDsOpt", "rtnDevIdOpt", "rtnInstIdOpt", "rtnPatCharsOpt", "rtnLongFullDatesOpt", "rtnLongModifDatesOpt", "cleanDescOpt"]


def tag(identifier):
    """`00080050`, `60xx3000`, or `private`."""
    return "private" if identifier.startswith("gggg") else identifier.upper().replace("X", "x")


def tables(text, glue):
    """Grid tables as rows of cells, the lines of a cell joined with `glue`."""
    done, table, row = [], None, None
    for line in map(str.strip, text.splitlines()):
        if re.fullmatch(r"\+[-=+]+\+", line):
            if table is None:
                table = []
            elif row:
                table.append([glue.join(part for part in cell if part) for cell in row])
            row = None
        elif line.startswith("|") and table is not None:
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            row = [old + [new] for old, new in zip(row, cells)] if row else [[cell] for cell in cells]
        elif table is not None:
            done, table, row = done + [table], None, None
    return done


def write(path, head, lines):
    path.write_text("\n".join([f"# {line}" for line in head] + lines) + "\n")


def main():
    profile, chapter = (Path(p) for p in sys.argv[1:])
    rows, text = json.loads(profile.read_text()), chapter.read_text()
    lines = []
    for column, name in COLUMNS.items():
        for letter in "KC":
            tags = sorted(tag(r["id"]) for r in rows if r.get(column) == letter)
            lines += [f"{name} {letter} {','.join(tags)}"] if tags else []
    write(HERE / "options.txt", ["PS3.15 Table E.1-1, the options' columns, edition 2025a: option, K keep or C clean, tags. Made by options.py."], lines)
    lines = []
    for r in sorted(rows, key=lambda r: tag(r["id"])):
        cells = [f"{name}={r[column]}" for column, name in COLUMNS.items() if r.get(column)]
        lines.append("\t".join([tag(r["id"]), r["basicProfile"], *cells]))
    write(HERE.parents[2] / "testdata/standard/annex-e.tsv", ["PS3.15 Table E.1-1, edition 2025a: tag, basic profile, options' cells. Made by crates/privacy/profiles/options.py."], lines)
    content = next(t for t in tables(text, "") if t[0][1] == "**CodeValue**")
    lines = []
    for _, value, scheme, kind, _, _, basic, *cells in content[1:]:
        options = [f"{COLUMNS[column]}={letter}" for column, letter in zip(OF_CONTENT, cells) if letter]
        lines.append("\t".join([scheme, value, kind, basic, *options]))
    write(HERE / "content.txt", ["PS3.15 Table E.3.4-1: scheme, code of the concept, value type, action, options' cells. Made by options.py."], sorted(set(lines)))
    private = next(t for t in tables(text, " ") if t[0][1] == "**Private Creator**")
    lines = []
    for element, creator, vr, _, _ in (row for row in private[1:] if row[2]):
        group, low = re.fullmatch(r"\(([0-9A-F]{4}),xx([0-9A-F]{2})\)", element.upper().replace("XX", "xx")).groups()
        lines.append(f"{creator}\t{group}\t{low}\t{vr}")
    write(HERE / "private.txt", ["PS3.15 Table E.3.10-1: private creator, group, element in its block, VR. Made by options.py."], sorted(set(lines)))


if __name__ == "__main__":
    main()
