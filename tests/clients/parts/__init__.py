"""One module a part; `run(report, place)`."""
