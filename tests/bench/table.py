"""The result of side_by_side.py as tables: CPU seconds first, then wall, syncs and memory."""
import json
import sys

ROWS = [
    ("store_ct", "store", "CT slices, one a request"),
    ("store_films", "store", "films of 10 MB, one a request"),
    ("rendered", "picture", "films as JPEG, clear"),
    ("rendered_masked", "picture", "films as JPEG, masked"),
]
HEAD = [
    "CPU s", "of it after the last answer", "wall s", "peak MB", "syncs per object or picture", "client CPU s", "others' CPU s",
]


def per(figures, jobs):
    """Syncs per object until its acknowledgement and afterwards, by what was synced."""
    words = []
    for when, label in (("until_last_answer", ""), ("afterwards", "later ")):
        counts = figures["syncs"][when]
        kinds = ", ".join("%s %.2f" % (name, count / jobs) for name, count in sorted(counts.items()))
        words.append("%s%.2f%s" % (label, sum(counts.values()) / jobs, " (%s)" % kinds if kinds else ""))
    return "; ".join(words)


def row(name, timed, traced):
    late = timed["cpu_s"] - timed["cpu_until_last_answer_s"]
    note = "" if timed["settled"] else " (not settled)"
    cells = [
        name,
        "%.2f%s" % (timed["cpu_s"], note),
        "%.2f" % max(late, 0),
        "%.2f" % timed["wall_s"],
        "%d" % timed["peak_mb"],
        per(traced, traced["jobs"]),
        "%.2f" % timed["client_cpu_s"],
        "%.2f" % timed["others_cpu_s"],
    ]
    return "| " + " | ".join(cells) + " |"


def main():
    with open(sys.argv[1]) as file:
        result = json.load(file)
    print("%(date)s, %(machine)s; load %(load)s" % result)
    for key, _, words in ROWS:
        some = [name for name in ("Orthanc", "Gauze") if key in result.get(name, {}).get("timed", {})]
        if not some:
            continue
        jobs = result[some[0]]["timed"][key]["jobs"]
        print("\n%d %s\n\n| | %s |" % (jobs, words, " | ".join(HEAD)))
        print("|---" * (len(HEAD) + 1) + "|")
        for name in some:
            timed, traced = result[name]["timed"][key], result[name]["traced"][key]
            label = result[name]["timed"]["version"]
            if "body_kb" in timed:
                label += ", %d kB each" % timed["body_kb"]
            if timed.get("fallbacks"):
                label += ", %d fall-backs" % timed["fallbacks"]
            print(row(label, timed, traced))


if __name__ == "__main__":
    main()
