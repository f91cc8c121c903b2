"""Write the tables of README.md and the pages of results from notes/results.toml: python docs/results.py [--check]."""

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "notes" / "results.toml"
PAGES = (ROOT / "README.md", *(ROOT / "docs" / name for name in ("results.md", "messages.md", "performance.md")))
TABLE = re.compile(r"(<!-- table ([\w-]+) -->\n).*?(<!-- end of table -->)", re.DOTALL)


def tables(source: str) -> dict[str, str]:
    """Return each table of the pages as Markdown, by the name in its marker.

    Args:
        source: The text of `notes/results.toml`.
    """
    data = tomllib.loads(source)
    results = data["result"]
    made = {table["name"]: markdown(table["columns"], table["rows"]) for table in data["table"]}
    in_readme = [[one["readme"], shown_value(one), shown_rival(one)] for one in results if "readme" in one]
    made["readme"] = markdown(["", "nextstroke", "other"], in_readme)
    summary = [[one["what"], shown_value(one), shown_rival(one), one.get("wanted", "")] for one in results]
    made["summary"] = markdown(["", "nextstroke", "other", "wanted"], summary)
    evidence = [
        [one["what"], f"`{one['command']}`", str(one.get("seed", "")), f"{one['commit']}, {one['date']}"]
        for one in results
    ]
    made["evidence"] = markdown(["figure", "command", "seed", "recorded in"], evidence)
    return made


def markdown(columns: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(
        "|" + "|".join(f" {cell} " if cell and cell != "---" else cell or " " for cell in line) + "|\n"
        for line in lines
    )


def shown_value(result: dict[str, Any]) -> str:
    """Return the value with its unit, where the description does not name the unit."""
    return with_unit(number(result["value"], result.get("decimals")), result)


def shown_rival(result: dict[str, Any]) -> str:
    """Return the value of the rival and its name; empty where there is none."""
    if "rival" not in result:
        return ""
    return f"{with_unit(number(result['rival'], None), result)}, {result['rival_name']}"


def with_unit(shown: str, result: dict[str, Any]) -> str:
    """Return a number with the unit if that is short; the description names a long one."""
    return f"{shown} {result['unit']}" if result["unit"] in {"%", "s"} else shown


def number(value: float | str, decimals: int | None) -> str:
    """Return a number with a minus sign and commas between thousands; text stays as it is."""
    if isinstance(value, str):
        return value
    text = str(value) if decimals is None else f"{value:.{decimals}f}"
    return (f"{value:,}" if abs(value) >= 10_000 else text).replace("-", "−")


def page_with_tables(page: str, made: dict[str, str]) -> str:
    """Return a page whose marked tables are those of `made`."""
    return TABLE.sub(lambda found: found[1] + made[found[2]] + found[3], page)


def main() -> int:
    """Write the pages, or with `--check` return 1 if one is not up to date."""
    made = tables(SOURCE.read_text("utf-8"))
    stale = False
    for path in PAGES:
        before = path.read_text("utf-8")
        after = page_with_tables(before, made)
        stale = stale or after != before
        if "--check" not in sys.argv:
            path.write_text(after, "utf-8")
    return int(stale and "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
