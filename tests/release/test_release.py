"""``make release-check`` finds each mistake, and says what to do about it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from tests.release import checks
from tests.release.wheel import check_contents, check_wheel, expected

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 12, 1)


def git(root: Path, *words: str) -> None:
    who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@corp.example"]
    subprocess.run(["git", *who, *words], cwd=root, check=True, capture_output=True, timeout=60)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A committed checkout of version 1.4.0."""
    (tmp_path / "pyproject.toml").write_text("[project]\nversion = '1.4.0'\n")
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## 1.4.0 - 2026-12-01\n\n- News.\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "Begin")
    return tmp_path


def of_changelog(root: Path, text: str) -> list[str]:
    (root / "CHANGELOG.md").write_text(text)
    return list(checks.check_changelog(root, "1.4.0", TODAY))


def test_a_checkout_in_order_has_no_mistake(checkout: Path) -> None:
    def found() -> Iterator[str]:
        version = checks.version_of(checkout)
        yield from checks.check_version(version)
        yield from checks.check_changelog(checkout, version, TODAY)
        yield from checks.check_tag(checkout, version)
        yield from checks.check_tree(checkout)

    assert list(found()) == []


def test_the_tag_of_the_version_on_this_commit_is_in_order(checkout: Path) -> None:
    git(checkout, "tag", "v1.4.0")
    assert list(checks.check_tag(checkout, "1.4.0")) == []


@pytest.mark.parametrize("version", ["1.4", "1.4.0rc1", "v1.4.0"])
def test_a_version_has_three_numbers(version: str) -> None:
    (mistake,) = checks.check_version(version)
    assert version in mistake


def test_an_unreleased_heading_is_to_be_named_after_the_version_and_the_day(checkout: Path) -> None:
    assert of_changelog(checkout, "# Changelog\n\n## Unreleased\n\n- News.\n") == [
        "The newest heading of CHANGELOG.md is 'Unreleased'. Write '## 1.4.0 - 2026-12-01' instead."
    ]


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        ("## 1.3.0 - 2026-12-01", "names version 1.3.0"),
        ("## 1.4.0 - 2026-12-02", "in the future"),
        ("## 1.4.0 - 2026-13-01", "does not exist"),
        ("## 1.4.0", "Write '## 1.4.0 - 2026-12-01' instead"),
        ("", "has no heading"),
    ],
)
def test_a_heading_that_does_not_fit_is_named(checkout: Path, heading: str, words: str) -> None:
    (mistake,) = of_changelog(checkout, f"# Changelog\n\n{heading}\n")
    assert words in mistake


def test_another_version_tag_on_this_commit_is_named(checkout: Path) -> None:
    git(checkout, "tag", "v1.3.9")
    git(checkout, "tag", "verified")
    (mistake,) = checks.check_tag(checkout, "1.4.0")
    assert "the tag v1.3.9" in mistake


def test_a_version_that_was_released_before_is_named(checkout: Path) -> None:
    git(checkout, "tag", "v1.4.0")
    git(checkout, "commit", "--quiet", "--allow-empty", "-m", "Go on")
    (mistake,) = checks.check_tag(checkout, "1.4.0")
    assert "names another commit" in mistake


def test_what_is_not_committed_is_named(checkout: Path) -> None:
    (checkout / "new.py").touch()
    (mistake,) = checks.check_tree(checkout)
    assert "new.py" in mistake


def test_a_page_that_is_out_of_date_or_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "good.md").write_text("text")
    (tmp_path / "old.md").write_text("text")
    pages = {
        tmp_path / "good.md": lambda: "text",
        tmp_path / "old.md": lambda: "other text",
        tmp_path / "gone.md": lambda: "text",
    }
    assert [m.split()[0] for m in checks.check_pages(pages)] == ["old.md", "gone.md"]


def test_the_wheel_of_this_checkout_builds_and_has_all_it_should() -> None:
    files = expected(ROOT)
    assert {"worker/py.typed", "collectors/py.typed", "reconcile/py.typed"} <= files
    assert "collectors/scripts/failover.ps1" in files
    assert "worker/shipped/prometheus/rules.yml" in files
    mistakes = list(check_wheel(ROOT, checks.version_of(ROOT)))
    assert [m for m in mistakes if "does not have" in m or "cannot" in m or "called" in m] == []


def test_what_is_missing_in_a_wheel_or_too_much_is_named() -> None:
    names = {"worker/a.py", "tests/b.py", "ipam_sync-1.0.0.dist-info/METADATA"}
    assert [m.split(".")[0] for m in check_contents(names, {"worker/a.py", "worker/py.typed"})] == [
        "The wheel does not have worker/py",
        "The wheel has tests/b",
        "The wheel does not have the LICENSE",
    ]


def test_a_wheel_that_cannot_be_built_is_one_sentence(checkout: Path) -> None:
    (mistake,) = check_wheel(checkout, "1.4.0")
    assert mistake.startswith("The wheel cannot be built: ")
    assert "\n" not in mistake
