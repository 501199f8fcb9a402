"""``ipam-sync files``: rules, dashboard, units and schemas, written where somebody wants them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worker.cli.site import Site
from worker.cli.shipped_files import FOLDERS

DOCS = Path(__file__).parents[3] / "docs"
RULES = "prometheus/rules.yml"


def of_docs() -> dict[str, bytes]:
    files = (path for folder in FOLDERS for path in (DOCS / folder).rglob("*") if path.is_file())
    return {path.relative_to(DOCS).as_posix(): path.read_bytes() for path in files}


def below(directory: Path) -> dict[str, bytes]:
    files = (path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}


def test_every_folder_of_docs_that_holds_no_pages_is_shipped() -> None:
    folders = {path.parent for path in DOCS.rglob("*") if path.is_file() and path.suffix != ".md"}
    assert {folder.relative_to(DOCS).as_posix() for folder in folders} == set(FOLDERS)


def test_they_are_written_as_they_are_in_docs_and_nothing_else(site: Site) -> None:
    outcome = site.run("files", "--to", site.root / "new" / "files")
    assert outcome.code == 0, outcome.err
    assert below(site.root / "new" / "files") == of_docs()


def test_without_a_directory_they_are_listed_and_nothing_is_written(site: Site) -> None:
    before = below(site.root)
    outcome = site.run("files")
    assert outcome.out.splitlines() == sorted(of_docs())
    listed = site.run("files", "--json").json
    assert listed == [{"file": path, "outcome": None} for path in sorted(of_docs())]
    assert below(site.root) == before


def test_what_is_equal_is_left_alone_and_what_is_missing_is_written(site: Site) -> None:
    directory = site.root / "files"
    site.run("files", "--to", directory)
    (directory / RULES).unlink()
    outcome = site.run("files", "--to", directory, "--json")
    outcomes = {row["file"]: row["outcome"] for row in outcome.json}
    assert outcomes.pop(RULES) == "written"
    assert set(outcomes.values()) == {"unchanged"}


def test_a_file_that_differs_is_refused_before_anything_is_written(site: Site) -> None:
    directory = site.root / "files"
    (directory / "prometheus").mkdir(parents=True)
    (directory / RULES).write_text("mine")
    outcome = site.run("files", "--to", directory, "--json")
    assert outcome.code == 1
    assert outcome.json["error"]["code"] == "files_differ"
    assert f"these files differ from those of this version: {RULES}." in outcome.err
    assert below(directory) == {RULES: b"mine"}


def test_with_force_it_is_replaced(site: Site) -> None:
    directory = site.root / "files"
    (directory / "prometheus").mkdir(parents=True)
    (directory / RULES).write_text("mine")
    outcome = site.run("files", "--to", directory, "--force", "--json")
    assert outcome.code == 0
    assert {"file": RULES, "outcome": "replaced"} in outcome.json
    assert below(directory) == of_docs()


def test_a_link_is_replaced_and_never_followed(site: Site) -> None:
    directory, elsewhere = site.root / "files", site.root / "elsewhere"
    (directory / "prometheus").mkdir(parents=True)
    elsewhere.write_bytes(of_docs()[RULES])
    (directory / RULES).symlink_to(elsewhere)
    assert site.run("files", "--to", directory).code == 1
    assert site.run("files", "--to", directory, "--force").code == 0
    assert not (directory / RULES).is_symlink()


@pytest.mark.parametrize("obstacle", ["prometheus", RULES])
def test_a_place_that_cannot_be_written_is_one_sentence(site: Site, obstacle: str) -> None:
    directory = site.root / "files"
    if obstacle == RULES:
        (directory / RULES).mkdir(parents=True)
    else:
        directory.mkdir()
        (directory / obstacle).write_text("a file where a directory must be")
    outcome = site.run("files", "--to", directory, "--force", "--json")
    assert outcome.code == 1
    assert outcome.json["error"]["code"] == "cannot_write"
    assert outcome.err.count("\n") == 1


def test_force_alone_is_not_understood(site: Site) -> None:
    outcome = site.run("files", "--force")
    assert outcome.code == 1
    assert "--force needs --to DIR" in outcome.err
