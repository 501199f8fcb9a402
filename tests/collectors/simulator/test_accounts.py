from __future__ import annotations

import os
from pathlib import Path

from collectors.simulator.accounts import Accounts
from collectors.simulator.machine import Account

ONE, OTHER = Account("CORP\\one", "secret-1"), Account("two", "secret-2")


def _published() -> str:
    """What the NTLM library would read now."""
    return Path(os.environ["NTLM_USER_FILE"]).read_text(encoding="utf-8")


def test_all_simulators_of_a_process_share_a_file_with_the_accounts_of_each() -> None:
    with Accounts([ONE]):
        with Accounts([OTHER]), Accounts([OTHER]):
            assert "CORP\\one:" in _published()
            assert _published().count("two:") == 1
        assert "CORP\\one:" in _published()
        assert "two:" not in _published()


def test_the_file_shows_no_password_and_is_for_its_owner_only() -> None:
    with Accounts([ONE]):
        assert "secret-1" not in _published()
        assert Path(os.environ["NTLM_USER_FILE"]).stat().st_mode & 0o077 == 0


def test_nothing_is_left_of_the_last_simulator() -> None:
    before = os.environ.get("NTLM_USER_FILE")
    with Accounts([ONE]):
        file = Path(os.environ["NTLM_USER_FILE"])
    assert os.environ.get("NTLM_USER_FILE") == before
    assert file.exists() == (before is not None)


def test_an_account_is_known_whatever_the_case_of_its_name_but_not_of_its_password() -> None:
    with Accounts([ONE]) as accounts:
        assert accounts.named("corp\\ONE") == ONE
        assert accounts.with_password("corp\\ONE", "secret-1") == ONE
        assert accounts.with_password("CORP\\one", "SECRET-1") is None
        assert accounts.named("one") is None
