"""``alerts ...``: channels, tests, previews, the outbox, and trying again; with real receivers."""

from __future__ import annotations

import json
import socket
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from reconcile.model.findings import Event, Kind
from tests.worker.alerts.mail_server import Mailboxes, mail_server
from tests.worker.alerts.receivers import Manner, Post, receiving
from tests.worker.cli.site import Json, Outcome, Site, fqdn
from worker.alerts.channels.webhook import (
    KEY_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    signature,
)
from worker.alerts.templates import Medium
from worker.bootstrap import opened
from worker.cli.alert_trials import JSON, MEDIA
from worker.config.settings import load_settings
from worker.model.alerts import PastEvent
from worker.store.repositories.outbox import OutboxRepository
from worker.telemetry.events import EventRecorder

SECRET = "correct horse battery"  # noqa: S105 - an example that must never be shown
HOOK = "T0K3N"
TO_TICKET = (
    "one_sided or partner_mismatch, critical; quiet from 22:00 to 06:00 Europe/Vienna, "
    "but not for what is critical"
)


def written(site: Site, text: str) -> Path:
    """The file of channels."""
    file = site.root / "alerts.toml"
    file.write_text(text, encoding="utf-8")
    site.settings |= {"IPAM_SYNC_ALERTS_FILE": str(file), "COLUMNS": "300"}
    return file


@pytest.fixture
def post() -> Iterator[Post]:
    """A receiver of webhooks that is well."""
    with receiving() as post:
        yield post


@pytest.fixture
def told(synced: Site, post: Post) -> Site:
    """``log`` is told everything, ``ticket`` what is critical, ``nobody`` nothing."""
    (synced.root / "ticket.secret").write_text(SECRET)
    written(
        synced,
        f"""
        [channels.log]
        type = "log"
        file = "alerts.jsonl"

        [channels.ticket]
        type = "webhook"
        url = "{post.url}/{HOOK}"
        secret_file = "ticket.secret"
        allow_http = true
        allow_private = true

        [channels.nobody]
        type = "log"
        file = "nobody.jsonl"

        [[routes]]
        channels = "log"

        [[routes]]
        match = {{severity_at_least = "critical", kind = ["one_sided", "partner_mismatch"]}}
        channels = "ticket"
        quiet_hours = {{from = "22:00", to = "06:00", timezone = "Europe/Vienna"}}
        """,
    )
    return synced


def deliver(site: Site) -> None:
    """What a control worker does every few seconds."""
    with opened(load_settings(site.environment)) as ipam:
        deliverer = ipam.deliverer(EventRecorder())
        assert deliverer is not None
        deliverer.deliver()


def break_apart(site: Site) -> None:
    """One of the partners loses the relationship: critical."""
    site.drop("HQ", 2)
    assert site.sync().code == 2


def mend(site: Site) -> None:
    site.tell(1, 2, "HQ", scopes=("10.1.0.0", "10.1.1.0"))
    site.sync()
    assert "one_sided" not in site.run("drift", "list", "--json").out


def outbox(site: Site, *arguments: str) -> Json:
    outcome = site.run("alerts", "outbox", "--json", *arguments)
    assert outcome.code == 0, outcome
    assert SECRET not in outcome.out
    return outcome.json


def channels(site: Site) -> dict[str, Json]:
    outcome = site.run("alerts", "channels", "--json")
    assert outcome.code == 0, outcome
    return {channel["name"]: channel for channel in outcome.json}


def no_secret(outcome: Outcome) -> Outcome:
    for secret in (SECRET, HOOK):
        assert secret not in outcome.out + outcome.err
    return outcome


# ------------------------------------------------------------------------- without a usable file


COMMANDS = [
    ("channels",),
    ("test", "ticket"),
    ("preview", "--kind", "one_sided"),
    ("outbox",),
    ("retry", "--all"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c[0])
def test_without_a_file_of_channels_one_is_told_what_to_do(
    site: Site, command: tuple[str, ...]
) -> None:
    outcome = site.run("alerts", *command, "--json")
    assert outcome.code == 1
    assert outcome.json["error"]["code"] == "no_alerts_file"
    assert len(outcome.err.splitlines()) == 1
    assert "IPAM_SYNC_ALERTS_FILE" in outcome.err


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c[0])
def test_all_that_is_wrong_with_the_file_is_told_at_once(
    site: Site, command: tuple[str, ...]
) -> None:
    written(site, '[channels.a]\ntype = "lgo"\n[[routes]]\nchannels = "b"\n')
    outcome = site.run("alerts", *command, "--json")
    assert outcome.code == 1
    assert outcome.json["error"]["code"] == "alerts_file"
    assert [line.startswith("Error: The alerts file") for line in outcome.err.splitlines()] == [
        True,
        True,
    ]


# ------------------------------------------------------------------------------------- channels


def test_channels_are_listed_with_who_reads_them_and_what_leads_there(told: Site) -> None:
    found = channels(told)
    assert found["ticket"] == {
        "name": "ticket",
        "type": "webhook",
        "read_by": "programs",
        "routes": [TO_TICKET],
        "applied": False,
        "waiting": 0,
        "failed": 0,
        "given_up": 0,
        "changes_waiting": 0,
        "changes_given_up": 0,
        "told_at": None,
        "paused_until": None,
    }
    assert found["log"]["routes"] == ["everything"]
    assert found["nobody"]["routes"] == []
    people = no_secret(told.run("alerts", "channels")).out
    assert "no route leads there" in people


def test_a_channel_that_is_told_what_was_applied_says_so(told: Site) -> None:
    file = told.root / "alerts.toml"
    file.write_text(file.read_text() + '[applied]\nchannels = "nobody"\nevery = 1800\n')
    assert {name for name, channel in channels(told).items() if channel["applied"]} == {"nobody"}
    assert "what policy auto applied, of 30 minutes at once" in told.run("alerts", "channels").out
    file.write_text(file.read_text() + 'match = {operation = "FailoverDelete", server = "hub*"}\n')
    chosen = "what policy auto applied, FailoverDelete, about a server like hub*, of 30 minutes"
    assert chosen in told.run("alerts", "channels").out


def test_a_channel_tells_what_waits_what_was_given_up_and_when_it_was_told(
    told: Site, post: Post
) -> None:
    post.manner.status = 503
    break_apart(told)
    deliver(told)
    found = channels(told)
    assert (found["ticket"]["waiting"], found["ticket"]["failed"]) == (1, 1)
    assert (found["log"]["waiting"], found["log"]["told_at"] is None) == (0, False)
    post.manner.status = 410
    assert told.run("alerts", "retry", "ticket").code == 0
    deliver(told)
    ticket = channels(told)["ticket"]
    assert (ticket["waiting"], ticket["given_up"], ticket["told_at"]) == (0, 1, None)
    people = no_secret(told.run("alerts", "channels")).out
    assert "1 given up" in people


def test_what_waits_for_a_channel_that_is_gone_is_said(told: Site, post: Post) -> None:
    post.manner.status = 503
    break_apart(told)
    deliver(told)
    written(told, '[channels.log]\ntype = "log"\nfile = "alerts.jsonl"\n')
    outcome = told.run("alerts", "channels")
    assert "not in the file any more: ticket" in outcome.err
    (row,) = outbox(told)["undone"]
    assert (row["channel"], row["in_file"]) == ("ticket", False)
    assert told.run("alerts", "retry", "--all").code == 0
    assert outbox(told)["undone"] == [row], "what nobody would send is not tried again"


# ----------------------------------------------------------------------------------------- test


def test_a_test_alert_arrives_signed_and_says_that_it_is_one(told: Site, post: Post) -> None:
    outcome = no_secret(told.run("alerts", "test", "ticket", "--json"))
    assert outcome.code == 0
    (got,) = post.got
    (alert,) = got.document["alerts"]
    assert (alert["test"], alert["event"]) == (True, "opened")
    stamp = got.headers[TIMESTAMP_HEADER]
    assert got.headers[SIGNATURE_HEADER] == signature(SECRET, stamp, got.body)
    assert got.headers[KEY_HEADER] == outcome.json["key"]
    assert outcome.json["answer"].startswith("ticket (webhook) took the test alert")


def test_a_test_can_say_that_it_is_over(told: Site, post: Post) -> None:
    assert told.run("alerts", "test", "ticket", "--event", "resolved").code == 0
    (got,) = post.documents
    assert got["alerts"][0]["event"] == "resolved"


def test_no_receiver_takes_a_second_test_for_a_double(told: Site, post: Post) -> None:
    for _ in range(2):
        assert told.run("alerts", "test", "ticket").code == 0
    assert len({got.headers[KEY_HEADER] for got in post.got}) == 2


def test_a_test_needs_no_database(told: Site, post: Post) -> None:
    told.settings["IPAM_SYNC_DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/none"
    assert told.run("alerts", "test", "ticket").code == 0
    assert len(post.got) == 1


@pytest.mark.parametrize(
    ("manner", "words"),
    [
        (Manner(status=401), "answered with 401"),
        (Manner(status=302, headers={"Location": "/"}), "redirects are not followed"),
        (Manner(status=503), "answered with 503"),
        (Manner(fault="drop"), "broke off"),
    ],
    ids=["refused", "redirected", "ill", "dropped"],
)
def test_a_receiver_that_does_not_take_it_is_a_failure_in_one_sentence(
    told: Site, post: Post, manner: Manner, words: str
) -> None:
    post.manner = manner
    outcome = no_secret(told.run("alerts", "test", "ticket", "--json"))
    assert outcome.code == 1
    assert outcome.json["error"]["code"] == "undelivered"
    (sentence,) = outcome.err.splitlines()
    assert sentence.startswith("Error: ticket: 127.0.0.1 ")
    assert words in sentence


def test_a_test_goes_by_mail(site: Site) -> None:
    with mail_server() as boxes:
        _mail_to(site, boxes.port)
        assert site.run("alerts", "test", "mail").code == 0
        (mail,) = boxes.mails
        assert mail["Subject"].startswith("[TEST]")
    assert site.run("alerts", "test", "mail").code == 1


def test_a_mail_server_that_refuses_a_person_is_a_failure(site: Site) -> None:
    with mail_server(Mailboxes(refuse={"ops@corp.example": "550 who is that"})) as boxes:
        _mail_to(site, boxes.port)
        outcome = site.run("alerts", "test", "mail")
    assert outcome.code == 1
    assert "ops@corp.example (550 who is that)" in outcome.err


def _mail_to(site: Site, port: int) -> None:
    written(
        site,
        f"""
        [channels.mail]
        type = "email"
        host = "127.0.0.1"
        port = {port}
        security = "none"
        allow_plain = true
        from = "ipam@corp.example"
        to = "ops@corp.example"
        """,
    )


def test_a_channel_that_is_the_log_of_a_process_writes_to_that_of_the_command(site: Site) -> None:
    written(site, '[channels.here]\ntype = "log"\n')
    outcome = site.process("alerts", "test", "here")
    assert outcome.code == 0
    assert "channel=here" in outcome.err


def test_a_misspelt_channel_is_answered_with_the_nearest_one(told: Site, post: Post) -> None:
    for command in ("test tickt", "retry tickt", "outbox --channel tickt"):
        outcome = told.run("alerts", *command.split(), "--json")
        assert outcome.code == 1
        assert outcome.json["error"]["code"] == "unknown_channel"
        assert "did you mean ticket?" in outcome.err
    assert post.got == []


# -------------------------------------------------------------------------------------- preview


def preview(site: Site, *arguments: str) -> Json:
    outcome = no_secret(site.run("alerts", "preview", "--json", *arguments))
    assert outcome.code == 0, outcome
    return outcome.json


def fates(document: Json) -> dict[str, tuple[bool, str]]:
    return {fate["channel"]: (fate["told"], fate["why"]) for fate in document["channels"]}


def test_a_preview_of_a_problem_is_what_is_sent_then(told: Site, post: Post) -> None:
    break_apart(told)
    number = str(_problem(told))
    before = told.rows()
    shown = preview(told, "--problem", number, "--channel", "ticket")
    assert told.rows() == before
    assert post.got == []
    deliver(told)
    (got,) = post.documents
    assert shown["medium"] == "json"
    assert json.loads(shown["body"]) == got
    assert fates(shown) == {"ticket": (True, "a route takes it there")}


def _problem(site: Site, kind: str = "one_sided") -> int:
    found = [f for f in site.run("drift", "list", "--json").json if f["kind"] == kind]
    number: int = found[0]["id"]
    return number


def test_a_preview_says_who_gets_it_and_why_not(told: Site, post: Post) -> None:
    break_apart(told)
    number = str(_problem(told))
    route, no_route = "a route takes it there", "no route takes it there"
    new = fates(preview(told, "--problem", number))
    assert new == {"log": (True, route), "ticket": (True, route), "nobody": (False, no_route)}
    end = fates(preview(told, "--problem", number, "--event", "resolved"))
    assert not any(is_told for is_told, _ in end.values()), "who was not told need not know"
    seen = fates(preview(told, "--problem", number, "--event", "acknowledged"))
    assert seen["log"] == (True, route), "it is told of the problem, and who looks after it"
    deliver(told)
    assert fates(preview(told, "--problem", number)) == {
        "log": (False, "was told already"),
        "ticket": (False, "was told already"),
        "nobody": (False, no_route),
    }
    end = fates(preview(told, "--problem", number, "--event", "resolved"))
    assert {name: is_told for name, (is_told, _) in end.items()} == {
        "log": True,
        "ticket": True,
        "nobody": False,
    }
    told.sql("UPDATE finding SET caused_by = id WHERE id = ?", number)
    changed = fates(preview(told, "--problem", number, "--event", "changed"))
    assert changed["log"] == (False, f"explained by {number}")


def test_a_preview_of_a_kind_goes_by_routes_and_says_that_it_is_an_example(told: Site) -> None:
    document = preview(told, "--kind", "one_sided")
    assert document["subject"].startswith("[CRITICAL] one sided: ")
    assert "Example: One partner has the relationship." in document["body"]
    assert {name: is_told for name, (is_told, _) in fates(document).items()} == {
        "log": True,
        "ticket": True,
        "nobody": False,
    }
    assert not fates(preview(told, "--kind", "unmapped_name"))["ticket"][0]


def test_every_kind_can_be_looked_at(told: Site) -> None:
    for kind in Kind:
        assert kind.replace("_", " ") in preview(told, "--kind", kind)["subject"]


@pytest.mark.parametrize("event", Event)
def test_every_event_can_be_looked_at_in_every_medium(told: Site, event: Event) -> None:
    for medium in MEDIA:
        document = preview(told, "--kind", "one_sided", "--event", event, "--medium", medium)
        assert (document["event"], document["medium"]) == (event, medium)
        assert "Example: One partner has the relationship." in document["body"].replace("\\", "")


def test_a_preview_is_in_texts_of_ones_own(told: Site) -> None:
    texts = told.root / "texts"
    texts.mkdir()
    (texts / "subject.txt").write_text("OURS {{ alert.kind }}")
    file = told.root / "alerts.toml"
    file.write_text('texts = "texts"\n' + file.read_text())
    assert preview(told, "--kind", "one_sided")["subject"] == "OURS one_sided"


def test_people_get_subject_body_and_channels(told: Site) -> None:
    outcome = no_secret(told.run("alerts", "preview", "--kind", "one_sided"))
    assert outcome.out.startswith("Subject: [CRITICAL] one sided: ")
    assert "no route takes it there" in outcome.out
    html = told.run("alerts", "preview", "--kind", "one_sided", "--medium", "html").out
    assert "</" in html


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--problem", "999"), "unknown_problem"),
        (("--kind", "onesided"), "usage"),
        (("--kind", "one_sided", "--channel", "tickt"), "unknown_channel"),
        ((), "usage"),
        (("--kind", "one_sided", "--problem", "1"), "usage"),
    ],
)
def test_what_there_is_not_cannot_be_looked_at(
    told: Site, arguments: tuple[str, ...], code: str
) -> None:
    outcome = told.run("alerts", "preview", "--json", *arguments)
    assert outcome.code == 1
    assert outcome.json["error"]["code"] == code


def test_the_media_that_can_be_looked_at_are_those_of_texts_and_json() -> None:
    assert (*Medium, JSON) == MEDIA


# --------------------------------------------------------------------------------------- outbox


def test_an_empty_outbox_says_so(told: Site) -> None:
    outcome = told.run("alerts", "outbox")
    assert (outcome.code, outcome.out) == (0, "")
    assert "The outbox is empty" in outcome.err
    assert outbox(told) == {
        "undecided": 0,
        "waiting": 0,
        "given_up": 0,
        "undone": [],
        "changes": [],
        "paused": {},
    }


def test_events_that_nobody_decided_about_are_counted(told: Site) -> None:
    break_apart(told)
    assert outbox(told)["undecided"] >= 1
    assert "still to be decided" in told.run("alerts", "outbox").err
    deliver(told)
    assert outbox(told)["undecided"] == 0


def test_what_failed_is_there_with_its_error_and_its_next_try(told: Site, post: Post) -> None:
    post.manner.status = 503
    break_apart(told)
    deliver(told)
    document = outbox(told)
    (row,) = document["undone"]
    assert (document["waiting"], document["given_up"]) == (1, 0)
    assert row["problem"] == _problem(told)
    assert (row["kind"], row["channel"], row["event"]) == ("one_sided", "ticket", "opened")
    assert (row["state"], row["attempts"]) == ("waiting", 1)
    assert row["error"] == "ticket: 127.0.0.1 answered with 503."
    assert row["next_try"] > row["since"]
    assert set(row["servers"]) == {fqdn(1), fqdn(2)}
    assert "ticket: 127.0.0.1 answered with 503." in no_secret(told.run("alerts", "outbox")).out


def test_of_what_waits_the_history_is_not_looked_at(
    told: Site, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[int] = []
    history = OutboxRepository.events

    def noted(reading: OutboxRepository, findings: Collection[int]) -> tuple[PastEvent, ...]:
        looked_at.extend(findings)
        return history(reading, findings)

    monkeypatch.setattr(OutboxRepository, "events", noted)
    post.manner.status = 503
    break_apart(told)
    deliver(told)
    looked_at.clear()
    (row,) = outbox(told)["undone"]
    assert (row["event"], looked_at) == ("opened", [])


def test_what_was_given_up_is_there_with_the_event_that_it_was(told: Site, post: Post) -> None:
    give_up(told, post)
    (row,) = outbox(told, "--dead")["undone"]
    assert (row["state"], row["next_try"], row["event"]) == ("given_up", None, "opened")
    assert outbox(told, "--channel", "log")["undone"] == []
    assert "given up" in told.run("alerts", "outbox").out


def give_up(site: Site, post: Post) -> None:
    post.manner.status = 410
    break_apart(site)
    deliver(site)


def test_no_more_than_asked_for_and_how_many_more_there_are(told: Site, post: Post) -> None:
    post.manner.status = 503
    told.tell(1, 3, "Branch", scopes=("10.2.0.0",))
    told.sync()
    told.drop("Branch", 3)
    break_apart(told)
    deliver(told)
    assert len(outbox(told, "--limit", "1")["undone"]) == 1
    assert "1 more" in told.run("alerts", "outbox", "--limit", "1").err
    assert outbox(told, "--limit", "1")["waiting"] == 2


# ---------------------------------------------------------------------------------------- retry


NOTHING_RETRIED = {
    "given_up": 0,
    "failed": 0,
    "dropped": 0,
    "quiet": 0,
    "changes": 0,
    "is_pause_over": False,
}


def test_what_was_given_up_is_told_when_it_is_tried_again(told: Site, post: Post) -> None:
    give_up(told, post)
    post.manner.status = 200
    post.got.clear()
    deliver(told)
    assert post.got == [], "it was given up"
    outcome = told.run("alerts", "retry", "ticket", "--json")
    assert outcome.json == NOTHING_RETRIED | {"given_up": 1}
    assert "1 alert tried again now" in outcome.err
    assert "No control worker is alive" in outcome.err
    deliver(told)
    (got,) = post.documents
    assert got["alerts"][0]["event"] == "opened"
    assert outbox(told)["undone"] == []


def test_what_failed_does_not_wait_any_longer(told: Site, post: Post) -> None:
    post.manner.status = 503
    break_apart(told)
    deliver(told)
    post.manner.status = 200
    deliver(told)
    assert len(post.got) == 1, "it waits for its next try"
    assert told.run("alerts", "retry", "--all", "--json").json["failed"] == 1
    deliver(told)
    assert [got["alerts"][0]["key"] for got in post.documents] == [
        post.documents[0]["alerts"][0]["key"]
    ] * 2


def test_a_problem_that_is_over_and_that_nobody_was_told_of_is_dropped(
    told: Site, post: Post
) -> None:
    give_up(told, post)
    mend(told)
    deliver(told)
    assert outbox(told)["undone"] == [], "whoever was to be told need not be"
    post.manner.status = 200
    post.got.clear()
    outcome = told.run("alerts", "retry", "--all", "--json")
    assert (outcome.json["given_up"], outcome.json["dropped"]) == (0, 0)
    deliver(told)
    assert post.got == []
    assert outbox(told)["undone"] == []


def test_the_end_of_a_problem_that_was_told_is_tried_again(told: Site, post: Post) -> None:
    break_apart(told)
    deliver(told)
    post.manner.status = 410
    mend(told)
    deliver(told)
    post.manner.status = 200
    assert told.run("alerts", "retry", "ticket", "--json").json["given_up"] == 1
    deliver(told)
    assert [got["alerts"][0]["event"] for got in post.documents] == [
        "opened",
        "resolved",
        "resolved",
    ]


def test_only_the_problem_that_was_named_is_tried_again(told: Site, post: Post) -> None:
    told.tell(1, 3, "Branch", scopes=("10.2.0.0",))
    told.sync()
    told.drop("Branch", 3)
    give_up(told, post)
    one, other = (row["problem"] for row in outbox(told)["undone"])
    assert told.run("alerts", "retry", "--problem", "999").code == 1
    assert told.run("alerts", "retry", "--problem", str(one), "--json").json["given_up"] == 1
    states = {row["problem"]: row["state"] for row in outbox(told)["undone"]}
    assert states == {one: "waiting", other: "given_up"}


def test_what_waits_for_the_end_of_quiet_hours_goes_on_waiting(told: Site, post: Post) -> None:
    break_apart(told)
    deliver(told)
    told.sql(
        "UPDATE delivery SET wanted_sequence = 1, due_at = '2998-01-01T00:00:00.000000Z'"
        " WHERE channel = 'ticket'"
    )
    outcome = told.run("alerts", "retry", "--all", "--json")
    assert outcome.json == NOTHING_RETRIED | {"quiet": 1}
    assert outbox(told)["undone"][0]["next_try"].startswith("2998")


def test_trying_again_is_a_decision_and_doing_nothing_is_none(told: Site, post: Post) -> None:
    assert told.run("alerts", "retry", "--all").code == 0
    listed = ("audit", "list", "--action", "retry_alerts", "--json")
    assert told.run(*listed).json == []
    give_up(told, post)
    told.run("alerts", "retry", "ticket")
    (row,) = told.run(*listed).json
    assert (row["subject"], row["origin"]) == ("alerts over ticket", f"cli@{socket.gethostname()}")
    assert (row["before"], row["after"]) == (
        {"given_up": 1, "due_now": 0},
        {"given_up": 0, "due_now": 1},
    )


@pytest.mark.parametrize("arguments", [(), ("ticket", "--all"), ("--all", "--problem", "1")])
def test_one_has_to_say_what_is_tried_again(told: Site, arguments: tuple[str, ...]) -> None:
    assert told.run("alerts", "retry", *arguments).code == 1


# --------------------------------------------------------------------------------------- pauses


def asks_for_patience(site: Site, post: Post) -> None:
    post.manner.status, post.manner.headers = 503, {"Retry-After": "7200"}
    break_apart(site)
    deliver(site)
    post.manner.status, post.manner.headers = 200, {}
    post.got.clear()


def test_who_asked_to_be_left_alone_is_shown_and_until_when(told: Site, post: Post) -> None:
    asks_for_patience(told, post)
    until = channels(told)["ticket"]["paused_until"]
    document = outbox(told)
    assert document["paused"] == {"ticket": until}
    assert document["undone"][0]["next_try"] >= until
    assert outbox(told, "--channel", "log")["paused"] == {}
    assert "asked to be left alone until" in told.run("alerts", "channels").out
    assert "ipam-sync alerts retry ticket" in told.run("alerts", "outbox").err


def test_a_pause_ends_when_the_channel_is_named_and_not_otherwise(told: Site, post: Post) -> None:
    asks_for_patience(told, post)
    everything = told.run("alerts", "retry", "--all", "--json")
    assert everything.json == NOTHING_RETRIED | {"failed": 1}
    assert "ticket asked to be left alone until" in everything.err
    problem = str(outbox(told)["undone"][0]["problem"])
    assert not told.run("alerts", "retry", "--problem", problem, "--json").json["is_pause_over"]
    deliver(told)
    assert post.got == []
    until = outbox(told)["paused"]["ticket"]
    named = told.run("alerts", "retry", "ticket", "--json")
    assert named.json["is_pause_over"]
    assert "is not any more" in named.err
    deliver(told)
    assert [got["alerts"][0]["event"] for got in post.documents] == ["opened"]
    assert outbox(told)["paused"] == {}
    latest, *_ = told.run("audit", "list", "--action", "retry_alerts", "--json").json
    assert latest["before"]["paused_until"] == {"ticket": until}
    assert latest["after"]["paused_until"] == {}


# -------------------------------------------------------------------------------------- changes


def is_told_of_changes(site: Site) -> None:
    """``ticket`` is, and something was applied a while ago."""
    file = site.root / "alerts.toml"
    file.write_text(file.read_text() + '[applied]\nchannels = "ticket"\nevery = 60\n')
    deliver(site)  # known from now on
    site.tell(1, 3, "Branch", scopes=("10.2.0.0", "10.2.1.0"))
    site.sync()
    assert outbox(site)["changes"][0]["waiting"] == 1
    site.sql("UPDATE applied_digest SET told_until = '2020-01-01T00:00:00.000000Z'")
    site.sql("UPDATE operation_tracker SET decided_at = '2020-01-02T00:00:00.000000Z'")


def test_changes_that_wait_are_counted_with_their_error(told: Site, post: Post) -> None:
    is_told_of_changes(told)
    post.manner.status = 503
    deliver(told)
    (row,) = outbox(told)["changes"]
    assert (row["channel"], row["given_up"], row["attempts"]) == ("ticket", 0, 1)
    assert row["waiting"] > 0
    assert row["error"] == "ticket: 127.0.0.1 answered with 503."
    assert row["next_try"] is not None
    assert outbox(told, "--channel", "log")["changes"] == []
    assert outbox(told, "--dead")["changes"] == []
    people = no_secret(told.run("alerts", "outbox"))
    assert "answered with 503" in people.out
    assert "is empty" not in people.err
    assert channels(told)["ticket"]["changes_waiting"] == row["waiting"]


def test_changes_that_were_given_up_are_shown_and_told_when_a_person_says_so(
    told: Site, post: Post
) -> None:
    is_told_of_changes(told)
    post.manner.status = 410
    deliver(told)
    (row,) = outbox(told, "--dead")["changes"]
    assert (row["waiting"], row["next_try"]) == (0, None)
    lost = row["given_up"]
    assert lost > 0
    assert channels(told)["ticket"]["changes_given_up"] == lost
    assert f"{lost} change" in no_secret(told.run("alerts", "channels")).out
    post.manner.status = 200
    post.got.clear()
    deliver(told)
    assert post.got == [], "they were given up"
    outcome = told.run("alerts", "retry", "--all", "--json")
    assert outcome.json["changes"] == lost
    assert "told again now" in outcome.err
    deliver(told)
    (message,) = (d for d in post.documents if "changes" in d)
    assert len(message["changes"]) == lost
    assert outbox(told)["changes"] == []
    latest, *_ = told.run("audit", "list", "--action", "retry_alerts", "--json").json
    assert latest["after"]["changes_due_now"] == lost


def test_changes_are_about_no_problem(told: Site, post: Post) -> None:
    is_told_of_changes(told)
    post.manner.status = 410
    break_apart(told)
    deliver(told)
    (row,) = outbox(told)["undone"]
    retried = told.run("alerts", "retry", "--problem", str(row["problem"]), "--json")
    assert retried.json["changes"] == 0
    assert outbox(told, "--dead")["changes"] != []
