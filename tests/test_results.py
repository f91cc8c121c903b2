"""The tables of README.md and of the pages with results are those of notes/results.toml, with the evidence of each."""

import re
import runpy
import shutil
import subprocess
import tomllib

import pytest

from tests.documentation import ROOT

SOURCE = (ROOT / "notes" / "results.toml").read_text("utf-8")
MODULE = runpy.run_path(str(ROOT / "docs" / "results.py"))
RESULTS = tomllib.loads(SOURCE)["result"]
PLACES = ("README.md", "docs/results.md", "docs/messages.md", "docs/performance.md")
PAGES = {name: (ROOT / name).read_text("utf-8") for name in PLACES}


@pytest.mark.parametrize("name", PAGES)
def test_the_tables_are_those_of_the_results(name):
    made = MODULE["tables"](SOURCE)
    assert MODULE["page_with_tables"](PAGES[name], made) == PAGES[name], "run: python docs/results.py"


def test_every_table_of_the_results_has_its_place_once():
    places = [found[1] for page in PAGES.values() for found in MODULE["TABLE"].findall(page)]
    assert sorted(places) == sorted(MODULE["tables"](SOURCE))


def test_no_table_of_the_results_is_written_by_hand():
    for page in PAGES.values():
        outside = MODULE["TABLE"].sub("", page)
        assert not re.search(r"^\|", outside, re.MULTILINE)


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: result["id"])
def test_a_result_has_its_evidence(result):
    assert {"what", "value", "unit", "command", "commit", "date", "hardware"} <= result.keys()
    assert ("rival" in result) == ("rival_name" in result)
    assert re.fullmatch(r"[0-9a-f]{7,40}", result["commit"])


def test_ids_are_unique():
    ids = [result["id"] for result in RESULTS]
    assert len(ids) == len(set(ids))


def test_the_commits_of_the_results_are_in_the_history():
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("NOT TESTED: commits of results, there is no git history")
    if (
        subprocess.run(["git", "rev-parse", "--is-shallow-repository"], cwd=ROOT, capture_output=True).stdout
        != b"false\n"
    ):
        pytest.skip("NOT TESTED: commits of results, the clone is shallow")
    for commit in {result["commit"] for result in RESULTS}:
        assert subprocess.run(["git", "cat-file", "-e", f"{commit}^{{commit}}"], cwd=ROOT).returncode == 0, commit


def test_numbers_are_written_with_a_minus_sign_and_commas():
    number = MODULE["number"]
    assert number(-1124.0, 1) == "−1124.0"
    assert number(191828, None) == "191,828"
    assert number("0.7–1.9", None) == "0.7–1.9"
