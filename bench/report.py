"""Keeps a printed table in docs/benchmarks.md, so that what stands there is what a run gave."""

from pathlib import Path

FILE = Path(__file__).resolve().parents[1] / "docs/benchmarks.md"


def keep(section, text):
    """Puts `text` between the section's marks, `<!-- section -->` and `<!-- /section -->`."""
    begin, end = f"<!-- {section} -->", f"<!-- /{section} -->"
    before, found, rest = FILE.read_text().partition(begin)
    inside, ended, after = rest.partition(end)
    if not found or not ended:
        raise SystemExit(f"{FILE} has no section {begin} … {end}")
    FILE.write_text(f"{before}{begin}\n{text.strip()}\n{end}{after}")
    print(f"kept in {FILE.name}, section {section}")
