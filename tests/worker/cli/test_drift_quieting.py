"""``drift ack``, ``unack``, ``silence``, ``unsilence``, ``silences``: who knows, who is not told."""

from __future__ import annotations

import getpass
from datetime import datetime, timedelta

import pytest

from tests.worker.cli.drifting import done, go_wrong, ids, listed, mend
from tests.worker.cli.site import Json, Site, fqdn

ME = getpass.getuser()


@pytest.fixture
def wrong(synced: Site) -> Site:
    go_wrong(synced)
    return synced


def acked(site: Site) -> dict[int, Json]:
    return {p["id"]: p["acknowledged"] for p in listed(site)}


def events(site: Site) -> list[tuple[int, str]]:
    told = site.run("drift", "history", "--json").json
    return [(e["problem"], e["event"]) for e in told]


def audited(site: Site) -> list[Json]:
    """The decisions about problems, oldest first."""
    rows = site.run("audit", "list", "--json").json
    return [row for row in reversed(rows) if row["action"] != "import"]


def silenced(site: Site) -> dict[int, int | None]:
    return {p["id"]: p["silenced_by"] for p in listed(site)}


def untouched(site: Site) -> tuple[object, ...]:
    tables = ("finding", "finding_event", "silence", "audit")
    rows = site.rows()
    return tuple(rows[table] for table in tables)


# --------------------------------------------------------------------------------------- ack


def test_an_acknowledgement_says_who_why_and_until_when(wrong: Site) -> None:
    outcome = done(wrong.run("drift", "ack", "1", "--note", " CHG-1 ", "--until", "4h"))
    assert outcome.out == ""
    assert "1 problem is acknowledged until" in outcome.err
    told = acked(wrong)
    assert told[2] is None
    assert (told[1]["by"], told[1]["note"]) == (ME, "CHG-1")
    lasts = datetime.fromisoformat(told[1]["until"]) - datetime.fromisoformat(told[1]["at"])
    assert timedelta(hours=4) <= lasts + timedelta(seconds=1) <= timedelta(hours=4, seconds=2)
    assert f"[acknowledged by {ME}]" in " ".join(wrong.run("drift", "list").out.split())


def test_it_is_an_event_to_be_told_at_once_with_the_problem_as_it_is(wrong: Site) -> None:
    done(wrong.run("drift", "ack", "1", "--note", "CHG-1"))
    newest, *_ = wrong.run("drift", "history", "--json", "--limit", "1").json
    assert (newest["event"], newest["who"], newest["note"]) == ("acknowledged", ME, "CHG-1")
    assert (newest["kind"], newest["ipam"], newest["evidence"]) == (
        "partner_mismatch",
        {"MCLT": "PT1H"},
        "both",
    )
    assert newest["outcome"] is None
    ((run, at, not_before),) = wrong.sql(
        "SELECT run_id, at, not_before FROM finding_event WHERE event = 'acknowledged'"
    )
    assert run is None
    assert not_before <= at


def test_several_at_once_and_to_the_end_of_a_day(wrong: Site) -> None:
    done(wrong.run("drift", "ack", "1", "2", "1", "--note", "x", "--until", "2998-12-31"))
    told = acked(wrong)
    assert {told[1]["until"], told[2]["until"]} == {"2999-01-01T00:00:00Z"}
    assert sorted(e for e in events(wrong) if e[1] == "acknowledged") == [
        (1, "acknowledged"),
        (2, "acknowledged"),
    ]


def test_one_whose_time_is_over_counts_again(wrong: Site) -> None:
    done(wrong.run("drift", "ack", "1", "--note", "x", "--until", "4h"))
    wrong.sql("UPDATE finding SET acked_until = '2020-01-01T00:00:00.000000Z' WHERE id = 1")
    assert acked(wrong)[1] is None
    assert wrong.run("drift", "list", "--kind", "partner_mismatch", "--fail-on", "info").code == 2


def test_it_ends_with_the_problem(wrong: Site) -> None:
    done(wrong.run("drift", "ack", "1", "--note", "x"))
    mend(wrong)
    assert wrong.run("drift", "show", "1", "--json").json["acknowledged"] is None
    assert events(wrong)[0] == (1, "resolved")


def test_taking_it_back_is_no_event_but_a_decision(wrong: Site) -> None:
    done(wrong.run("drift", "ack", "1", "--note", "x"))
    before = events(wrong)
    outcome = done(wrong.run("drift", "unack", "1", "2"))
    assert "1 problem is not acknowledged any more" in outcome.err
    assert "in the first place: #2" in outcome.err
    assert acked(wrong) == {1: None, 2: None}
    assert events(wrong) == before
    ((remind_at,),) = wrong.sql("SELECT remind_at FROM finding WHERE id = 1")
    assert remind_at is not None, "its reminders go on"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "ID"),
        (("0", "--note", "x"), "range"),
        (("one", "--note", "x"), "'one'"),
        (("1",), "--note"),
        (("1", "--note", " "), "Say why"),
        (("1", "99", "--note", "x"), "no problem 99"),
        (("1", "--note", "x", "--until", "2020-01-01"), "over before it began"),
        (("1", "--note", "x", "--until", "tomorrow"), "no length of time"),
        (("1", "--note", "x", "--until", "2998-01-01T18:00"), "time zone"),
    ],
)
def test_what_cannot_be_acknowledged_is_one_sentence_and_nothing_is_written(
    wrong: Site, arguments: tuple[str, ...], words: str
) -> None:
    before = untouched(wrong)
    outcome = wrong.run("drift", "ack", *arguments)
    assert outcome.code == 1
    assert words in outcome.err
    assert untouched(wrong) == before


def test_what_is_over_or_unconfirmed_is_not_acknowledged_nor_what_is_named_beside_it(
    wrong: Site,
) -> None:
    mend(wrong)
    wrong.spoil(3, b"")
    wrong.sync()
    before = untouched(wrong)
    over = wrong.run("drift", "ack", "2", "1", "--note", "x")
    assert (over.code, "Problem 1 is over" in over.err) == (1, True)
    unconfirmed = wrong.run("drift", "ack", "2", "3", "--note", "x")
    assert (unconfirmed.code, "Problem 3 is not confirmed yet" in unconfirmed.err) == (1, True)
    assert untouched(wrong) == before
    assert wrong.run("drift", "unack", "99").code == 1


# ------------------------------------------------------------------------------------ silence


def silence(site: Site, *arguments: str) -> Json:
    return done(
        site.run("drift", "silence", "--for", "2h", "--reason", "x", "--json", *arguments)
    ).json


def test_a_silence_says_who_why_what_and_until_when(wrong: Site) -> None:
    outcome = wrong.run(
        "drift", "silence", "--server", "dhcp02", "--until", "2998-12-24T18:00Z", "--reason", "new"
    )
    assert (outcome.code, outcome.out) == (0, "")
    assert outcome.err == (
        f"Nobody is told of server {fqdn(2)} until 2998-12-24 18:00:00 UTC. It fits 1 open problem. "
        "To end that: ipam-sync drift unsilence 1\n"
    )
    (one,) = wrong.run("drift", "silences", "--json").json
    assert (one["id"], one["server"], one["relationship"], one["kind"], one["matter"]) == (
        1,
        fqdn(2),
        None,
        None,
        None,
    )
    assert (one["who"], one["reason"], one["state"], one["ends_at"]) == (
        ME,
        "new",
        "in force",
        "2998-12-24T18:00:00Z",
    )
    assert silenced(wrong) == {1: 1, 2: None}
    assert "[silenced by 1]" in wrong.run("drift", "list").out
    assert fqdn(2) in wrong.run("drift", "silences").out


@pytest.mark.parametrize(
    ("matchers", "fitting"),
    [
        (("--everything",), {1, 2}),
        (("--matter", "drift"), {1, 2}),
        (("--matter", "health"), set()),
        (("--kind", "one_sided"), {2}),
        (("--server", "DHCP0?.corp.*"), {1, 2}),
        (("--server", "*03*"), {2}),
        (("--server", "10.0.0.2"), {1}),
        (("--relationship", "h*"), {1}),
        (("--relationship", "hq", "--kind", "one_sided"), set()),
    ],
)
def test_all_that_is_given_must_fit(
    wrong: Site, matchers: tuple[str, ...], fitting: set[int]
) -> None:
    begun = silence(wrong, *matchers)
    assert {key for key, by in silenced(wrong).items() if by == begun["id"]} == fitting


def test_a_silence_can_be_about_a_tag(wrong: Site) -> None:
    done(wrong.run("servers", "tag", fqdn(2), "Site:Vienna"))
    assert ids(wrong, "--tag", "site:*") == [1]
    (problem,) = listed(wrong, "--tag", "SITE:vienna")
    assert problem["tags"] == ["site:vienna"]
    begun = silence(wrong, "--tag", "site:*")
    assert (begun["tag"], begun["server"]) == ("site:*", None)
    assert silenced(wrong) == {1: begun["id"], 2: None}
    assert "tag site:*" in done(wrong.run("drift", "silences")).out
    done(wrong.run("servers", "tag", fqdn(2)))
    assert silenced(wrong) == {1: None, 2: None}, "its servers have it no more"


def test_a_silence_ends_once_and_is_kept(wrong: Site) -> None:
    silence(wrong, "--everything")
    assert "is over." in done(wrong.run("drift", "unsilence", "1")).err
    assert "was over already" in done(wrong.run("drift", "unsilence", "1")).err
    assert wrong.run("drift", "silences", "--json").json == []
    (one,) = wrong.run("drift", "silences", "--all", "--json").json
    assert (one["state"], one["ended_by"]) == ("over", ME)
    assert silenced(wrong) == {1: None, 2: None}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--server", "dhcp01", "--for", "2h"), "--reason"),
        (("--server", "dhcp01", "--for", "2h", "--reason", " "), "Say why"),
        (("--server", "dhcp01", "--reason", "x"), "how long"),
        (
            ("--server", "dhcp01", "--reason", "x", "--for", "2h", "--until", "2998-01-01"),
            "how long",
        ),
        (("--reason", "x", "--for", "2h"), "Say of what"),
        (("--reason", "x", "--for", "2h", "--everything", "--kind", "blocked"), "Say of what"),
        (("--server", "dhcp99", "--for", "2h", "--reason", "x"), "no server 'dhcp99'"),
        (("--kind", "weather", "--for", "2h", "--reason", "x"), "'weather'"),
        (("--server", "dhcp01", "--until", "2020-01-01", "--reason", "x"), "over before it began"),
    ],
)
def test_what_makes_no_silence_is_one_sentence_and_nothing_is_written(
    wrong: Site, arguments: tuple[str, ...], words: str
) -> None:
    before = untouched(wrong)
    outcome = wrong.run("drift", "silence", *arguments)
    assert outcome.code == 1
    assert words in outcome.err
    assert untouched(wrong) == before


def test_a_silence_that_never_was_cannot_end(site: Site) -> None:
    outcome = site.run("drift", "unsilence", "7")
    assert (outcome.code, "no silence 7" in outcome.err) == (1, True)


# -------------------------------------------------------------------------------------- audit


def test_every_decision_is_kept_with_before_and_after(wrong: Site) -> None:
    for arguments in (
        ("ack", "1", "--note", "one"),
        ("ack", "1", "--note", "two"),
        ("unack", "1"),
        ("unack", "1"),
        ("silence", "--relationship", "HQ", "--for", "2h", "--reason", "move"),
        ("unsilence", "1"),
        ("unsilence", "1"),
    ):
        done(wrong.run("drift", *arguments))
    rows = audited(wrong)
    assert [(r["action"], r["who"]) for r in rows] == [
        (action, ME)
        for action in ("acknowledge", "acknowledge", "unacknowledge", "silence", "unsilence")
    ]
    one, two, back, begun, over = rows
    assert one["subject"] == back["subject"] == "problem 1: partner_mismatch of HQ"
    assert (one["before"], one["after"]["note"]) == (None, "one")
    assert (two["before"]["note"], two["after"]["note"]) == ("one", "two")
    assert (back["before"]["note"], back["after"]) == ("two", None)
    assert begun["before"] is None
    assert (begun["after"]["relationship"], begun["after"]["reason"]) == ("HQ", "move")
    assert (over["before"]["ended_by"], over["after"]["ended_by"]) == (None, ME)
