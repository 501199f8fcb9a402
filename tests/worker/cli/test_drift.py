"""``drift list``, ``show`` and ``history``: what is wrong, for people and for programs."""

from __future__ import annotations

import signal

import pytest

from tests.worker.cli.drifting import done, go_wrong, ids, listed, mend
from tests.worker.cli.site import Site, ended, fqdn


@pytest.fixture
def wrong(synced: Site) -> Site:
    go_wrong(synced)
    return synced


# --------------------------------------------------------------------------------------- list


def test_problems_are_listed_by_matter_and_the_loudest_first(wrong: Site) -> None:
    wrong.spoil(3, b"")
    wrong.sync()
    wrong.sql("UPDATE finding SET confirmed_at = first_seen")
    shown = done(wrong.run("drift", "list")).out
    places = [
        shown.index(text)
        for text in (
            "Drift: partners or IPAM differ (1 critical, 1 warning)",
            "#2 one_sided",
            "#1 partner_mismatch",
            "Blindness: something could not be seen (1 warning)",
            "server_unread",
        )
    ]
    assert places == sorted(places)
    assert "Health" not in shown


def test_filters_must_all_fit(wrong: Site) -> None:
    assert ids(wrong) == [2, 1]
    assert ids(wrong, "--severity", "critical") == [2]
    assert ids(wrong, "--severity", "info") == [2, 1]
    assert ids(wrong, "--kind", "partner_mismatch") == [1]
    assert ids(wrong, "--matter", "health") == []
    assert ids(wrong, "--server", "dhcp02") == [1]
    assert ids(wrong, "--relationship", "HQ@dhcp01") == [1]
    assert ids(wrong, "--relationship", "1") == [1]
    assert ids(wrong, "--relationship", "lost") == [2]
    assert ids(wrong, "--server", "dhcp02", "--severity", "critical") == []
    wrong.run("drift", "ack", "1", "--note", "x")
    assert (ids(wrong, "--acked"), ids(wrong, "--unacked")) == ([1], [2])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--kind", "weather"), "'weather'"),
        (("--severity", "loud"), "'loud'"),
        (("--matter", "taste"), "'taste'"),
        (("--server", "dhcp99"), "no server 'dhcp99'"),
        (("--relationship", "HQ@dhcp99"), "no server 'dhcp99'"),
        (("--watch", "0"), "0 is not in the range"),
        (("--watch", "--json"), "do not go together"),
        (("--watch", "--fail-on", "info"), "do not go together"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(
    site: Site, arguments: tuple[str, ...], words: str
) -> None:
    outcome = site.run("drift", "list", *arguments)
    assert outcome.code == 1
    assert words in outcome.err
    assert "Traceback" not in outcome.err


def test_unconfirmed_and_explained_problems_are_counted_and_shown_if_asked_for(
    wrong: Site,
) -> None:
    wrong.spoil(3, b"")
    wrong.sync()
    wrong.sql("UPDATE finding SET caused_by = 2 WHERE id = 1")
    assert ids(wrong) == [2]
    assert "explained by another: 2" in wrong.run("drift", "list").err
    by_id = {p["id"]: p for p in listed(wrong, "--all")}
    assert {key: p["state"] for key, p in by_id.items()} == {
        1: "open",
        2: "open",
        3: "unconfirmed",
    }
    assert [by_id[key]["explained_by"] for key in (1, 2)] == [2, None]
    shown = wrong.run("drift", "list", "--all").out
    assert "[explained by #2]" in shown
    assert "[unconfirmed]" in shown


def test_nothing_is_an_empty_array_or_a_sentence(site: Site) -> None:
    for command in ("list", "history", "silences"):
        assert site.run("drift", command, "--json").json == []
        outcome = site.run("drift", command)
        assert (outcome.code, outcome.out) == (0, "")
        assert outcome.err


# ------------------------------------------------------------------------------- exit codes


def test_fail_on_ends_with_2_if_something_at_least_so_loud_is_open(wrong: Site) -> None:
    def code(*arguments: str) -> int:
        return wrong.run("drift", "list", "--fail-on", *arguments).code

    assert (code("critical"), code("warning"), code("info")) == (2, 2, 2)
    assert code("critical", "--kind", "partner_mismatch") == 0
    assert code("warning", "--kind", "partner_mismatch") == 2
    assert code("info", "--matter", "blindness") == 0
    assert wrong.run("drift", "list").code == 0


def test_what_is_acknowledged_silenced_explained_or_unconfirmed_does_not_fail(
    wrong: Site,
) -> None:
    def code() -> int:
        return wrong.run("drift", "list", "--all", "--fail-on", "info").code

    done(wrong.run("drift", "ack", "2", "--note", "x"))
    assert code() == 2
    wrong.sql("UPDATE finding SET caused_by = 2 WHERE id = 1")
    assert code() == 0
    wrong.sql("UPDATE finding SET caused_by = NULL")
    assert code() == 2
    done(wrong.run("drift", "silence", "--relationship", "hq", "--for", "1h", "--reason", "x"))
    assert code() == 0
    wrong.spoil(3, b"")
    wrong.sync()
    assert len(listed(wrong, "--all")) == 3
    assert code() == 0


def test_monitoring_gets_one_line_and_its_own_exit_codes(wrong: Site) -> None:
    def check(*arguments: str) -> tuple[int, str]:
        outcome = wrong.run("drift", "list", "--format", "nagios", *arguments)
        return outcome.code, outcome.out

    code, line = check()
    assert code == 2
    assert line == (
        "IPAM-SYNC CRITICAL - 1 critical, 1 warning: one sided Lost "
        f"({fqdn(1)}, {fqdn(3)}), partner mismatch HQ ({fqdn(1)}, {fqdn(2)}) "
        "| critical=1 warning=1 info=0\n"
    )
    done(wrong.run("drift", "ack", "2", "--note", "x"))
    code, line = check()
    assert code == 1
    assert line.startswith("IPAM-SYNC WARNING - 1 warning: partner mismatch HQ ")
    assert line.endswith("(1 acknowledged, silenced or explained) | critical=0 warning=1 info=0\n")
    wrong.sql("UPDATE finding SET caused_by = 2 WHERE id = 1")
    code, line = check()
    assert code == 0
    assert "nothing needs a person (2 acknowledged, silenced or explained)" in line
    wrong.sql("UPDATE finding SET caused_by = NULL")
    wrong.settings["IPAM_SYNC_SEVERITIES"] = "partner_mismatch=info"
    code, line = check()
    assert code == 0
    assert line.startswith("IPAM-SYNC OK - 1 info: partner mismatch")
    assert check("--matter", "health") == (
        0,
        "IPAM-SYNC OK - nothing needs a person | critical=0 warning=0 info=0\n",
    )


def test_a_check_that_cannot_look_is_unknown_and_no_warning(site: Site) -> None:
    def check(*arguments: str) -> str:
        outcome = site.run("drift", "list", "--format", "nagios", *arguments)
        assert outcome.code == 3
        assert len(outcome.out.splitlines()) == 1
        assert outcome.out.startswith("IPAM-SYNC UNKNOWN - ")
        assert "|" not in outcome.out
        return outcome.out

    assert "no server 'dhcp|99'".replace("|", "/") in check("--server", "dhcp|99")
    assert "--sever" in check("--severty", "info")
    assert "do not go together" in check("--json", "--kind", "one_sided")
    assert "do not go together" in check("--watch")
    assert "--fail-on" in check("--fail-on", "critical")
    site.settings["IPAM_SYNC_POLICY"] = "maybe"
    site.settings["IPAM_SYNC_CONFIRM_AFTER"] = "soon"
    assert "IPAM_SYNC_POLICY" in check()
    site.settings.clear()
    assert "no run yet" in check()
    site.settings["IPAM_SYNC_DATABASE_URL"] = "postgresql://ipam:s3cret@127.0.0.1:1/ipam"
    assert "s3cret" not in check()


# ------------------------------------------------------------------------------------- watch


def test_who_looks_on_from_a_pipe_is_told_the_list_once_and_then_what_changes(
    wrong: Site,
) -> None:
    wrong.settings["PYTHONUNBUFFERED"] = ""  # what waits in a buffer is not told
    process = wrong.start("drift", "list", "--watch", "1")
    assert process.stdout is not None
    seen = ""
    while "#1 partner_mismatch" not in seen:
        seen += process.stdout.readline()
    done(wrong.run("drift", "ack", "1", "--note", "x"))
    while not (line := process.stdout.readline()).split(maxsplit=1)[1:2] or "Z ~ " not in line:
        assert line, "it ended"
    assert f"~ #1 warning partner_mismatch: HQ, {fqdn(1)}, {fqdn(2)} [acknowledged by" in line
    mend(wrong)
    assert "Z - #1 warning" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    outcome = ended(process)
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")


# -------------------------------------------------------------------------------------- show


def test_a_problem_is_shown_with_both_partners_and_ipam_side_by_side(wrong: Site) -> None:
    shown = done(wrong.run("drift", "show", "1")).out
    rows = {line.split("  ")[0]: line for line in shown.splitlines()}
    assert rows["property"].split() == ["property", fqdn(1), fqdn(2), "IPAM"]
    assert rows["MCLT"].split() == ["MCLT", "*", "PT1M", "PT1H", "PT1H"]
    assert rows["Mode"].split() == ["Mode", *["LoadBalance"] * 3]
    assert rows["Scopes"].split() == ["Scopes", "2", "2", "2"]
    assert "* differs from the others" in shown
    assert "opened" in shown
    assert (
        f"Set-DhcpServerv4Failover -ComputerName '{fqdn(2)}' -Name 'HQ' -MaxClientLeadTime 00:01:00"
        in shown
    )
    assert (
        f"Set-DhcpServerv4Failover -ComputerName '{fqdn(1)}' -Name 'HQ' -MaxClientLeadTime 01:00:00"
        in shown
    )


def test_a_problem_is_a_document_with_everything_for_programs(wrong: Site) -> None:
    done(wrong.run("drift", "ack", "1", "--note", "CHG-1"))
    document = wrong.run("drift", "show", "1", "--json").json
    assert (document["id"], document["matter"], document["state"]) == (1, "drift", "open")
    assert document["acknowledged"]["note"] == "CHG-1"
    assert list(document["read_at"]) == [fqdn(1), fqdn(2)]
    (mclt,) = [row for row in document["compared"] if row["property"] == "MCLT"]
    assert mclt["values"] == [
        {"by": fqdn(1), "value": "PT1M", "differs": True},
        {"by": fqdn(2), "value": "PT1H", "differs": False},
        {"by": "IPAM", "value": "PT1H", "differs": False},
    ]
    assert [(e["event"], e["note"]) for e in document["events"]] == [
        ("opened", None),
        ("acknowledged", "CHG-1"),
    ]
    assert document["next"].endswith("ipam-sync drift show 1")
    assert document["remedy"]["page"] == "docs/how-to/remedies.md"
    _, decide = document["remedy"]["steps"]
    assert [o["command"]["shell"] for o in decide["options"]] == ["powershell", "powershell"]


def test_one_that_only_one_partner_has_is_shown_without_a_record(wrong: Site) -> None:
    document = wrong.run("drift", "show", "2", "--json").json
    first, *_ = document["compared"]
    assert first["property"] == "Lost"
    assert [v["by"] for v in first["values"]] == [fqdn(1), fqdn(3), "IPAM"]
    assert [v["differs"] for v in first["values"]] == [True, True, False]


def test_one_that_is_over_is_still_shown(wrong: Site) -> None:
    mend(wrong)
    assert ids(wrong) == [2]
    shown = done(wrong.run("drift", "show", "1")).out
    assert "over since" in shown
    assert "Next:" not in shown


def test_one_that_is_about_a_server_has_no_other_side(wrong: Site) -> None:
    wrong.spoil(3, b"")
    wrong.sync()
    document = wrong.run("drift", "show", "3", "--json").json
    assert (document["kind"], document["state"]) == ("server_unread", "unconfirmed")
    (error,) = document["compared"]
    assert [v["by"] for v in error["values"]] == [fqdn(3)]
    assert "IPAM" not in done(wrong.run("drift", "show", "3")).out


@pytest.mark.parametrize("number", ["99", "9223372036854775807"])
def test_one_that_never_was_is_one_sentence(site: Site, number: str) -> None:
    outcome = site.run("drift", "show", number, "--json")
    assert outcome.code == 1
    assert outcome.json["error"]["code"] == "unknown_problem"
    assert f"no problem {number}" in outcome.err


def test_names_and_notes_are_shown_and_not_obeyed(wrong: Site) -> None:
    wrong.sql("UPDATE finding SET relationship = ?, detail = ?", "H\x1b[31m|Q", "a\nb\x07")
    done(wrong.run("drift", "ack", "1", "--note", "x\x1b]0;y\x07"))
    for command in (("list",), ("show", "1"), ("history",), ("list", "--format", "nagios")):
        out = wrong.run("drift", *command).out
        assert "\\x1b" in out
        assert not {"\x1b", "\x07"} & {*out}
    line = wrong.run("drift", "list", "--format", "nagios", "--unacked").out
    assert "H\\x1b[31m/Q" in line
    assert line.count("|") == line.count("\n") == 1


# ----------------------------------------------------------------------------------- history


def test_what_happened_is_told_newest_first(wrong: Site) -> None:
    mend(wrong)

    def events(*arguments: str) -> list[tuple[int, str]]:
        told = done(wrong.run("drift", "history", "--json", *arguments)).json
        return [(e["problem"], e["event"]) for e in told]

    assert events() == [(1, "resolved"), (2, "opened"), (1, "opened")]
    assert events("--limit", "1") == [(1, "resolved")]
    assert events("--server", "dhcp03") == [(2, "opened")]
    assert events("--relationship", "hq") == [(1, "resolved"), (1, "opened")]
    assert events("--relationship", "Lost", "--server", "dhcp02") == []
    assert events("--since", "1h") == events()
    assert events("--since", "9999d") == events()
    wrong.sql("UPDATE finding_event SET at = '2020-01-01T00:00:00.000000Z' WHERE finding_id = 2")
    assert events("--since", "2020-01-02") == [(1, "resolved"), (1, "opened")]
    shown = wrong.run("drift", "history").out
    assert shown.index("resolved") < shown.index("opened")
    assert "#2 one_sided" in shown


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--since", "soon"), "no length of time"),
        (("--since", "2026-13-01"), "no date"),
        (("--limit", "0"), "range"),
        (("--server", "dhcp99"), "no server 'dhcp99'"),
    ],
)
def test_a_history_of_nothing_that_is_there_is_one_sentence(
    site: Site, arguments: tuple[str, ...], words: str
) -> None:
    outcome = site.run("drift", "history", *arguments)
    assert outcome.code == 1
    assert words in outcome.err
