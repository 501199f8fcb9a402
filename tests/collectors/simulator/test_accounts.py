from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from collectors.simulator.accounts import Accounts
from collectors.simulator.machine import DomainAccount

ONE, OTHER = DomainAccount("CORP\\one", "secret-1"), DomainAccount("two", "secret-2")


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


def test_the_file_is_where_the_first_simulator_of_a_process_wants_it(tmp_path: Path) -> None:
    """And stays there, so that a logon that is reading it finds it.  Here another one may be first."""
    code = (
        "import os, pathlib, sys; from tests.collectors.simulator.test_accounts import *\n"
        "with Accounts([ONE], pathlib.Path(sys.argv[1])), Accounts([OTHER]):\n"
        "    print(os.environ['NTLM_USER_FILE'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(done.stdout.strip()).parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_an_account_is_known_whatever_the_case_of_its_name_but_not_of_its_password() -> None:
    with Accounts([ONE]) as accounts:
        assert accounts.named("corp\\ONE") == ONE
        assert accounts.with_password("corp\\ONE", "secret-1") == ONE
        assert accounts.with_password("CORP\\one", "SECRET-1") is None
        assert accounts.named("one") is None
