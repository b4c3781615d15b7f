"""Makes `types.txt` beside this file and `testdata/standard/basic-by-iod.tsv`: the Type of each attribute whose action depends on it
(PS3.15 Table E.1-1a), by IOD and parent sequence, as PS3.3 has it in the tables that the package highdicom 0.28.2 ships (MIT;
`_standard/*.json`, made from PS3.3 2025).

    python make.py HIGHDICOM/_standard ATTRIBUTES.json CONFIDENTIALITY_PROFILE_ATTRIBUTES.json

The two files at the end are the ones of the dicom-standard project (innolitics, MIT), made from PS3.6 and PS3.15 2025a.
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
# Actions that the Type decides, and Z, of which a Type 1 attribute gets a dummy.
BY_TYPE = {"X/Z", "X/D", "X/Z/D", "Z/D", "Z"}
STRICT = {"1": 1, "1C": 1, "2": 2, "2C": 2}
SHOWN = ("1.2.840.10008.5.1.4.1.1.1.1", "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.128",
         "1.2.840.10008.5.1.4.1.1.3.1", "1.2.840.10008.5.1.4.1.1.66.4")


def ranges(numbers):
    """`0-3,7`"""
    out = []
    for n in sorted(numbers):
        if out and out[-1][1] == n - 1:
            out[-1][1] = n
        else:
            out.append([n, n])
    return ",".join(f"{a}-{b}" if a != b else str(a) for a, b in out)


def expected(action, kind):
    """What becomes of an attribute of this Type, in the words of Table E.1-1a: X, Z, D or U."""
    if action in ("X", "D", "U"):
        return action
    letters = action.split("/")
    if kind == 1:
        return "D"
    if kind == 2:
        return "Z" if "Z" in letters else "D"
    return "X" if letters[0] == "X" else "Z"


def main():
    standard, attributes, profile = (Path(p) for p in sys.argv[1:])
    tag = {a["keyword"]: a["id"].upper() for a in json.loads(attributes.read_text()) if a["keyword"]}
    rows = {r["id"].upper(): r["basicProfile"] for r in json.loads(profile.read_text())}
    modules = json.loads((standard / "module_attribute_map.json").read_text())
    iods = json.loads((standard / "iod_module_map.json").read_text())
    classes = json.loads((standard / "sop_class_iod_map.json").read_text())
    names = sorted(iods)
    types = {}
    for at, name in enumerate(names):
        for module in iods[name]:
            for e in modules.get(module["key"], []):
                one, parent = tag.get(e["keyword"]), tag.get(e["path"][-1], "?") if e["path"] else "-"
                kind = STRICT.get(e["type"])
                if kind and rows.get(one) in BY_TYPE and parent != "?":
                    key = (one, parent, at)
                    types[key] = min(kind, types.get(key, 3))
    lines = ["# Types of attributes by IOD (PS3.3), of those whose action in PS3.15 Table E.1-1 depends on it. Made by make.py from the",
             "# tables of highdicom 0.28.2 (MIT). S: SOP class, IOD. T: tag, parent sequence or -, Type (1C as 1, 2C as 2), IODs. Others: 3."]
    lines += [f"S {uid} {names.index(name)}" for uid, name in sorted(classes.items()) if name in names]
    grouped = {}
    for (one, parent, at), kind in types.items():
        grouped.setdefault((one, parent, kind), []).append(at)
    lines += [f"T {one} {parent} {kind} {ranges(of)}" for (one, parent, kind), of in sorted(grouped.items())]
    (HERE / "types.txt").write_text("\n".join(lines) + "\n")
    table = ["# What becomes of each attribute of Table E.1-1 (basic profile) at the top level of six SOP classes: X removed, Z empty or a dummy,",
             "# D a dummy, U other UIDs. From PS3.15 2025a and the Types of highdicom 0.28.2, by crates/privacy/profiles/make.py."]
    for uid in SHOWN:
        at, by = names.index(classes[uid]), {}
        for one, action in sorted(rows.items()):
            if action != "X/Z/U*" and all(c in "0123456789ABCDEF" for c in one):
                by.setdefault(expected(action, types.get((one, "-", at), 3)), []).append(one)
        table += [f"{uid}\t{letter}\t{','.join(by[letter])}" for letter in sorted(by)]
    (HERE.parents[2] / "testdata/standard/basic-by-iod.tsv").write_text("\n".join(table) + "\n")


if __name__ == "__main__":
    main()
