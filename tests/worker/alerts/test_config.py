"""The file of channels and routes: what it says, and all that is wrong with it at once."""

from __future__ import annotations

import re
from datetime import time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.findings import Kind, Matter, Severity
from reconcile.model.nouns import Operation
from worker.alerts.alerting import Alerting, AppliedChangeRule
from worker.alerts.change_digest import ChangeDigestText, Done, Group
from worker.alerts.channel_types import KINDS, mailbox
from worker.alerts.channels.lines import Lines
from worker.alerts.channels.mail import Mail
from worker.alerts.channels.posting import Receiver
from worker.alerts.channels.services import Service
from worker.alerts.channels.webhook import Webhook
from worker.alerts.config import load_alerting
from worker.alerts.rules import AlertRoute, Match, MatchChange, QuietHours
from worker.alerts.templates import NAMES
from worker.alerts.toml_section import AlertsFileUnusable
from worker.alerts.wording import Telling
from worker.config.settings import load_settings

SECRET = "correct horse battery"  # noqa: S105 - an example that must never be shown
PAGE = (Path(__file__).parents[3] / "docs" / "alerts.md").read_text(encoding="utf-8")


def load(directory: Path, text: str, **environ: str) -> Alerting:
    file = directory / "alerts.toml"
    file.write_text(text, encoding="utf-8")
    return load_alerting(file, environ)


def problems(directory: Path, text: str, **environ: str) -> list[str]:
    with pytest.raises(AlertsFileUnusable) as raised:
        load(directory, text, **environ)
    assert SECRET not in f"{raised.value} {raised.value!r} {raised.value.__cause__!r}"
    begin = f"The alerts file {directory / 'alerts.toml'}"
    assert all(problem.startswith(begin) for problem in raised.value.problems)
    return [problem.removeprefix(begin).removeprefix(": ") for problem in raised.value.problems]


def test_the_type_of_a_channel_is_known_by_its_name(tmp_path: Path) -> None:
    found = load(tmp_path, '[channels.a]\ntype = "log"\n[channels.b]\ntype = "log"\n')
    assert found.types == {"a": "log", "b": "log"}


def test_channels_and_routes_are_as_written(tmp_path: Path) -> None:
    (tmp_path / "hook.secret").write_text(SECRET + "\n")
    found = load(
        tmp_path,
        """
        [channels.hook]
        type = "webhook"
        url_env = "HOOK"
        secret_file = "hook.secret"
        allow_private = true
        timeout = 5

        [channels.log]
        type = "log"
        file = "alerts.jsonl"

        [[routes]]
        channels = "log"

        [[routes]]
        channels = ["hook", "log"]
        match = {kind = ["blocked", "one_sided"], matter = "drift", severity_at_least = "warning", server = "dhcp*", relationship = "hq*", tag = "site:*"}
        quiet_hours = {from = "22:00", to = 06:30:00, timezone = "Europe/Vienna"}
        """,
        HOOK="https://hook.example/x",
    )
    assert dict(found.channels) == {
        "hook": Webhook(
            Receiver("hook", "https://hook.example/x", True, timeout=timedelta(seconds=5)), SECRET
        ),
        "log": Lines("log", tmp_path / "alerts.jsonl"),
    }
    assert found.routes == (
        AlertRoute(Match(), ("log",)),
        AlertRoute(
            Match(
                frozenset({Kind.BLOCKED, Kind.ONE_SIDED}),
                frozenset({Matter.DRIFT}),
                Severity.WARNING,
                "dhcp*",
                "hq*",
                "site:*",
            ),
            ("hook", "log"),
            QuietHours(time(22), time(6, 30), ZoneInfo("Europe/Vienna")),
        ),
    )


def test_all_that_is_wrong_is_told_at_once_with_where_and_what_to_do(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        f"""
        chanels = 1
        [channels.a]
        type = "webook"
        [channels.b]
        type = "webhook"
        secret = "{SECRET}"
        timeout = 61
        allow_private = "yes"
        alow_http = true
        [channels.c]
        type = "webhook"
        url = "http://hook.example/x"
        secret_file = "nowhere"
        secret_env = "NOTHING"
        [channels.d]
        [[routes]]
        channels = ["lgo"]
        match = {{kind = "bloked", matter = 3, server = "", severity_at_least = "loud"}}
        quiet_hours = {{from = "25:00", timezone = "Mars/Base"}}
        [[routes]]
        """,
    )
    types = ", ".join(KINDS)
    assert found == [
        f"channels.a.type: 'webook' is none of {types}; did you mean webhook?",
        "channels.b.secret: does not belong here; give secret_file or secret_env.",
        "channels.b.url: is missing: give url, url_file or url_env.",
        "channels.b.allow_private: 'yes': give true or false, without quotes.",
        "channels.b.timeout: may be 60 seconds at most.",
        "channels.b.alow_http: there is no such key; did you mean allow_http?",
        "channels.c.secret: give one of secret_file or secret_env, not several.",
        (
            f"channels.c.secret_file: {tmp_path}/nowhere cannot be read: No such file or "
            "directory. Make it readable for the account that runs ipam-sync, and for nobody else."
        ),
        "channels.c.secret_env: the variable NOTHING is not set.",
        "channels.c.url: must begin with https, or say allow_http = true.",
        "channels.d.type: is missing.",
        "routes[1].channels: there is no channel lgo.",
        "routes[1].match.kind: 'bloked': there is no 'bloked'; did you mean blocked?",
        "routes[1].match.matter: 3: give a text on one line.",
        "routes[1].match.severity_at_least: 'loud': give one of info, warning, critical.",
        "routes[1].match.server: '': give a text on one line.",
        "routes[1].quiet_hours.from: '25:00': give a time of day, such as '22:00'.",
        "routes[1].quiet_hours.to: is missing.",
        "routes[1].quiet_hours.timezone: 'Mars/Base': give a time zone such as 'Europe/Vienna'.",
        "routes[2].channels: is missing.",
        "chanels: there is no such key; did you mean channels?",
    ]


def test_who_is_told_of_changes_and_how_long_these_are_collected(tmp_path: Path) -> None:
    log = '[channels.log]\ntype = "log"\n'
    assert load(tmp_path, log).applied.channels == ()
    found = load(tmp_path, f'{log}[applied]\nchannels = "log"')
    assert found.applied == AppliedChangeRule(("log",), timedelta(minutes=15))
    found = load(tmp_path, f'{log}[applied]\nchannels = ["log"]\nevery = 60')
    assert found.applied == AppliedChangeRule(("log",), timedelta(minutes=1))
    match = 'match = {operation = "FailoverDelete", server = "hub*", relationship = "H?"}'
    found = load(tmp_path, f'{log}[applied]\nchannels = "log"\n{match}')
    assert found.applied.match == MatchChange(frozenset({Operation.DELETE}), "hub*", "H?")


def test_changes_are_no_incidents_and_go_nowhere_but_to_channels(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        """
        [channels.am]
        type = "alertmanager"
        url = "https://am.example"
        [channels.pager]
        type = "pagerduty"
        routing_key_env = "KEY"
        [applied]
        channels = ["am", "pager", "pagr"]
        every = 59
        match = {kind = "one_sided", operation = "Failover"}
        """,
        KEY=SECRET,
    )
    assert found == [
        "applied.channels: there is no channel pagr; did you mean pager?",
        "applied.channels: am takes incidents, and a change is none.",
        "applied.channels: pager takes incidents, and a change is none.",
        "applied.every: 59: in seconds, give a whole number from 60 to 31536000.",
        "applied.match.operation: 'Failover': there is no 'Failover'; did you mean FailoverUpdate?",
        "applied.match.kind: there is no such key.",
    ]
    with pytest.raises(AlertsFileUnusable, match=r"applied\.channels: is missing"):
        load(tmp_path, "[applied]\n")


def test_a_file_that_is_none_is_told_with_the_line(tmp_path: Path) -> None:
    assert "line 2" in problems(tmp_path, "a = 1\nb = x\n")[0]
    with pytest.raises(AlertsFileUnusable, match="cannot be read"):
        load_alerting(tmp_path / "none", {})
    (tmp_path / "alerts.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(AlertsFileUnusable, match="not UTF-8"):
        load_alerting(tmp_path / "alerts.toml", {})


def test_a_secret_is_shown_nowhere(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        '[channels.a]\ntype="webhook"\nurl_env="URL"\nsecret_env="KEY"',
        URL=f"https://hook.example/{SECRET.replace(' ', '')}",
        KEY=SECRET,
    )
    assert SECRET not in repr(found)
    assert SECRET.replace(" ", "") not in repr(found)


@pytest.mark.parametrize(
    "url", [f"https://user:{SECRET}@hook.example/", f"ftp://{SECRET}", f"https://{SECRET}:x:y/"]
)
def test_a_url_that_cannot_be_used_is_not_repeated(tmp_path: Path, url: str) -> None:
    (problem,) = problems(tmp_path, f'[channels.a]\ntype="webhook"\nurl="{url}"')
    assert problem.startswith("channels.a.url: ")


def test_texts_of_one_s_own_are_checked_with_the_file(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "subject.txt").write_text("{{ alert.wat }}")
    (problem,) = problems(tmp_path, 'texts = "mine"')
    assert "subject.txt fails on an example" in problem


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="ascii"), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "channels", "routes", "match", "kind", "url", "quiet_hours", "from"]
            ),
            inner,
            max_size=4,
        )
    ),
)


def _toml(value: object) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{key} = {_toml(v)}" for key, v in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case bool():
            return str(value).lower()
        case str():
            return '"' + "".join(f"\\u{ord(c):04x}" for c in value) + '"'
        case _:
            return "0" if value is None else str(value)


@given(st.dictionaries(st.sampled_from(["channels", "routes", "texts"]), _JSON))
def test_whatever_is_written_is_a_file_or_a_list_of_mistakes(
    tmp_path_factory: pytest.TempPathFactory, document: dict[str, object]
) -> None:
    text = "\n".join(f"{key} = {_toml(value)}" for key, value in document.items())
    directory = tmp_path_factory.mktemp("any")
    try:
        load(directory, text)
    except AlertsFileUnusable:
        assert problems(directory, text)


def test_the_setting_names_the_file(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.touch()
    settings = load_settings({"IPAM_SYNC_ALERTS_FILE": "/x/alerts.toml"}, config_file=config)
    assert settings.alerts_file == Path("/x/alerts.toml")


def test_the_page_has_every_type_every_template_and_every_word_for_one() -> None:
    assert set(re.findall(r"^### `(\w+)`$", PAGE, flags=re.MULTILINE)) == set(KINDS)
    told = set(re.findall(r"`([\w.]+)`", PAGE))
    assert told >= NAMES
    assert told >= {*Telling.__dataclass_fields__, "sentence", *Match.__dataclass_fields__}
    assert told >= set(MatchChange.__dataclass_fields__)
    for words in (ChangeDigestText, Group, Done):
        assert told >= set(words.__dataclass_fields__)


def test_the_example_of_the_page_can_be_used(tmp_path: Path) -> None:
    examples = re.findall(r"```toml\n(.*?)```", PAGE, flags=re.DOTALL)
    example = examples[0] + "".join(text for text in examples if "[applied" in text)
    for name in re.findall(r'_file = "(.*?)"', example):
        (tmp_path / name).write_text("https://hook.example/x")
    found = load(tmp_path, example)
    assert {route for each in found.routes for route in each.channels} == set(found.channels)
    assert set(found.applied.channels) <= set(found.channels)
    assert found.applied.match != MatchChange()


def test_the_repeats_of_the_page_are_those_that_nobody_has_to_write(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(\[repeat\].*?)```", PAGE, flags=re.DOTALL)
    assert load(tmp_path, example).repeat == load(tmp_path, "").repeat


# --------------------------------------------------------------------------------------- email


def test_mail_is_encrypted_unless_it_is_allowed_not_to_be(tmp_path: Path) -> None:
    base = '[channels.m]\ntype="email"\nhost="mail"\nfrom="a@b.example"\nto="c@d.example"\n'
    for security, port in (("starttls", 587), ("tls", 465)):
        channel = load(tmp_path, f'{base}security="{security}"').channels["m"]
        assert isinstance(channel, Mail)
        assert (channel.security, channel.port) == (security, port)
    wanted = ["channels.m.security: none needs allow_plain = true, and no username."]
    assert problems(tmp_path, f'{base}security="none"') == wanted
    plain = f'{base}security="none"\nallow_plain=true\n'
    assert load(tmp_path, plain).channels
    logon = f'{plain}username="u"\npassword_env="P"'
    assert problems(tmp_path, logon, P=SECRET) == wanted


def test_mistakes_in_a_channel_of_mail(tmp_path: Path) -> None:
    text = """
        [channels.m]
        type = "email"
        host = "mail server"
        from = "nobody"
        to = ["a@b.example", "c@d.example, e@f.example"]
        username = "Ö"
        password = "x"
    """
    assert problems(tmp_path, text) == [
        "channels.m.password: does not belong here; give password_file or password_env.",
        "channels.m.password: username and password must be ASCII.",
        "channels.m.host: 'mail server': give the name or address of a server.",
        "channels.m.from: 'nobody': give a mail address such as ops@corp.example.",
        "channels.m.to: give a mail address such as ops@corp.example.",
    ]


@pytest.mark.parametrize(
    "address",
    ["", "a", "@b", "a@", "a@b@c", "a@b, c@d", "a@b\r\nBcc: c@d", "Ä@b", "<", "a b@c", "x <a@b> y"],
)
def test_what_is_no_mail_address(address: str) -> None:
    with pytest.raises(ValueError, match="give a"):
        mailbox(address)


@given(st.text())
def test_whatever_is_taken_for_a_mail_address_is_one(address: str) -> None:
    try:
        box = mailbox(address)
    except ValueError:
        return
    assert box.addr_spec.isascii()
    assert box.addr_spec.isprintable()
    assert box.display_name.isprintable()


# ------------------------------------------------------------------------------------- apprise


def test_a_service_is_named_by_a_secret_url(tmp_path: Path) -> None:
    base = '[channels.s]\ntype="apprise"\n'
    found = load(tmp_path, f'{base}url_env="URL"', URL="json://hook.example/t0ken")
    assert isinstance(found.channels["s"], Service)
    assert "t0ken" not in repr(found)
    assert problems(tmp_path, f'{base}url_env="URL"', URL="nosuch://t0ken") == [
        "channels.s.url: Apprise knows no such service, or something is missing in the URL."
    ]
    assert problems(tmp_path, f'{base}url="json://hook.example"') == [
        "channels.s.url: does not belong here; give url_file or url_env."
    ]
