"""The data directory of `ipam-sync up`: one process has it, and others find what is in it."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.homes import home
from worker.config.settings import SettingsError, load_settings
from worker.up.child import CannotRun
from worker.up.place import DataDirectory, fits_sockets, occupied


@pytest.fixture
def root() -> Iterator[Path]:
    with home("up") as directory:
        yield directory / "data"


def settle(root: Path, *, postgres: bool = False) -> DataDirectory:
    with occupied(root, wants_postgres=postgres) as place:
        place.write_settings()
        return place


def test_a_new_directory_is_for_its_owner_only(root: Path) -> None:
    place = settle(root)
    for path in (root, place.run, place.queue):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert stat.S_IMODE(place.settings.stat().st_mode) == 0o600


def test_a_directory_that_was_there_keeps_its_mode(root: Path) -> None:
    root.mkdir()
    root.chmod(0o755)
    settle(root)
    assert stat.S_IMODE(root.stat().st_mode) == 0o755


def test_its_settings_file_is_one_that_every_command_reads(root: Path) -> None:
    place = settle(root)
    settings = load_settings({}, config_file=place.settings)
    assert settings.database_url == f"sqlite:///{root}/ipam-sync.db"
    assert settings.broker_url == f"redis+socket://{place.broker}"


@pytest.mark.parametrize("name", ["with blank", "ümläut", "per%cent", 'quote"d'])
def test_a_strange_name_of_the_directory_is_no_problem(root: Path, name: str) -> None:
    place = settle(root / name)
    settings = load_settings({}, config_file=place.settings)
    assert settings.database_url == f"sqlite:///{root / name}/ipam-sync.db"
    assert settings.broker_url is not None


def test_settings_of_ones_own_are_kept_and_places_are_written_anew(root: Path) -> None:
    place = settle(root)
    with place.settings.open("a") as file:
        file.write('policy = "review"\n[severities]\nblocked = "info"\n')
    moved = root.rename(root.with_name("moved"))
    moved_place = settle(moved)
    document = tomllib.loads(moved_place.settings.read_text())
    assert document["policy"] == "review"
    assert document["severities"] == {"blocked": "info"}
    assert document["database_url"] == f"sqlite:///{moved}/ipam-sync.db"


def test_a_spoilt_settings_file_is_left_for_the_commands_to_complain_about(root: Path) -> None:
    place = settle(root)
    with place.settings.open("ab") as file:
        file.write(b"policy = review \xff\n")
    before = place.settings.read_bytes()
    settle(root)
    assert place.settings.read_bytes() == before
    with pytest.raises(SettingsError, match=r"ipam-sync\.toml"):
        load_settings({}, config_file=place.settings)


def test_a_directory_that_another_process_has_says_which(root: Path) -> None:
    with (
        occupied(root, wants_postgres=False) as place,
        pytest.raises(CannotRun, match=rf"process {os.getpid()}.*IPAM_SYNC_CONFIG"),
        occupied(root, wants_postgres=False),
    ):
        pass
    with occupied(root, wants_postgres=False) as again:
        assert again == place


def test_an_sqlite_database_is_not_left_behind_by_mistake(root: Path) -> None:
    root.mkdir()
    (root / "ipam-sync.db").touch()
    with pytest.raises(CannotRun, match="SQLite"):
        settle(root, postgres=True)
    assert not settle(root).uses_postgres


def test_a_name_that_is_too_long_for_a_socket_is_refused(root: Path) -> None:
    with pytest.raises(CannotRun, match="too long"):
        settle(root / ("x" * 100))
    assert (fits_sockets(root), fits_sockets(root / ("x" * 100))) == (True, False)


def test_sockets_that_others_could_reach_are_refused(root: Path) -> None:
    place = settle(root)
    place.run.chmod(0o755)
    with pytest.raises(CannotRun, match="chmod 700"):
        settle(root)


def test_a_directory_that_cannot_be_made_is_a_sentence(root: Path) -> None:
    root.touch()
    with pytest.raises(CannotRun, match="--data"):
        settle(root)
