"""Secrets are taken out by where they stand, and what people need to read stays."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.telemetry.redaction import HIDDEN, redacted, redacted_value

SECRET = "hunter2-Tr0ub4dor"  # noqa: S105 - an example that must never be shown


@pytest.mark.parametrize(
    "text",
    [
        f"postgresql://ipam:{SECRET}@db.corp.example/ipam",
        f"redis://:{SECRET}@127.0.0.1:6379/0",
        f"connecting to postgresql+psycopg://ipam:p@ss w {SECRET}@db failed",
        f"postgresql://db/ipam?user=ipam&password={SECRET}",
        f"host=db user=ipam password='{SECRET}' dbname=ipam",
        f"Login(username='svc', password='{SECRET}')",
        f'{{"username": "svc", "password": "{SECRET}"}}',
        f"Authorization: Basic {SECRET}",
        f"{{'Authorization': 'NTLM {SECRET}=='}}",
        f"authorization=anything but {SECRET}",
        f"the header was NTLM {SECRET}AAAA==",
        f"Bearer {SECRET}",
        f"api_key = {SECRET}",
    ],
)
def test_a_secret_is_hidden_wherever_it_stands(text: str) -> None:
    assert SECRET not in redacted(text)
    assert HIDDEN in redacted(text)
    assert SECRET not in redacted(f"first line\n{text}\nlast line")


@pytest.mark.parametrize(
    "text",
    [
        "https://dhcp01.corp.example:5986/wsman refused svc-ipam@corp.example",
        "Basic authentication is off, NTLM authentication is on",
        "the password file /etc/ipam/corp cannot be read",
        "credential corp is suspended",
        "postgresql://db.corp.example/ipam",
        "redis://localhost:6379/0",
        "ipam_sync.read[7, 3] took 0.3 s",
    ],
)
def test_what_is_no_secret_is_left_as_it_is(text: str) -> None:
    assert redacted(text) == text


@given(password=st.text(min_size=1, max_size=40))
def test_no_password_survives_in_a_url(password: str) -> None:
    marked = f"sEcReT9{quote(password.encode(errors='replace'), safe='')}"
    assert marked not in redacted(f"redis://user:{marked}@broker.example:6379/0")


@pytest.mark.parametrize("name", ["password", "Password", "client_secret", "token", "apikey"])
def test_under_a_telling_name_nothing_is_shown_whatever_it_is(name: str) -> None:
    for value in (SECRET, SECRET.encode(), [SECRET], {"x": SECRET}, 4711):
        assert redacted_value(name, value) == HIDDEN
    assert redacted_value(name, None) is None


def test_where_a_password_is_kept_is_no_secret() -> None:
    assert redacted_value("password_file", "/etc/ipam/corp") == "/etc/ipam/corp"
    assert redacted_value("password_env", "IPAM_CORP_PASSWORD") == "IPAM_CORP_PASSWORD"


def test_values_within_values_are_looked_at_too() -> None:
    told = {"headers": {"Authorization": SECRET, "Host": "dhcp01"}, "servers": (1, SECRET)}
    shown = redacted_value("request", told)
    assert shown == {
        "headers": {"Authorization": HIDDEN, "Host": "dhcp01"},
        "servers": [1, SECRET],
    }, "a secret that stands nowhere in particular cannot be told apart"
