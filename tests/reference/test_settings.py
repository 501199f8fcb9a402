from __future__ import annotations

import re
from dataclasses import fields
from typing import Final

from tests.reference.settings import settings_page
from worker.config.catalogue import SETTINGS
from worker.config.settings import Settings

ROWS: Final = {
    name: [cell.strip() for cell in rest.split(" | ")]
    for name, rest in re.findall(
        r"^\| `IPAM_SYNC_(\w+)` \| (.*) \|$", settings_page(), re.MULTILINE
    )
}


def test_the_catalogue_has_a_row_for_every_setting_and_no_other() -> None:
    assert list(SETTINGS.keys() - {f.name for f in fields(Settings)}) == []
    assert list(ROWS) == [f.name.upper() for f in fields(Settings)]


def test_every_setting_has_a_type_a_default_and_a_meaning() -> None:
    for name, (type_, default, _unit, meaning) in ROWS.items():
        assert type_, name
        assert default, name
        assert meaning.endswith("."), name


def test_a_default_is_written_as_a_person_would_write_it() -> None:
    defaults = {name: default for name, (_type, default, _unit, _meaning) in ROWS.items()}
    assert defaults["POLICY"] == "`auto`"
    assert defaults["INTERVAL"] == "`900`"
    assert defaults["KEEP_RUNS"] == "`30`"
    assert defaults["BROKER_URL"] == "not set"


def test_a_span_of_time_has_a_unit() -> None:
    assert {ROWS[name][2] for name in ("INTERVAL", "LEASE", "CONFIRM_AFTER")} == {"seconds"}
    assert ROWS["KEEP_RUNS"][2] == "days"
