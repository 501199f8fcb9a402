"""Every command of a remedy runs as printed, whatever a relationship or a server is called."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tree_sitter import Node

from reconcile.kinds.remedy import build_remedy
from reconcile.model.findings import Kind
from reconcile.model.formatting import iso_duration
from reconcile.model.nouns import State
from reconcile.remedies.command import CommandShell
from reconcile.remedies.model import GUIDE, Facts, Remedy
from reconcile.remedies.own import ipam_sync
from reconcile.remedies.powershell import cmdlet, duration_of, literal, time_span
from reconcile.remedies.text import is_copyable, lines, summary_line
from tests.collectors.scripts.syntax import text, tree, walk
from tests.reconcile.remedy_examples import (
    HOSTILE,
    ONE,
    OTHER,
    UNCOPYABLE,
    examples,
    rendered_commands,
    rendered_own_commands,
)

#: Cmdlets and programs of Windows that remedies print.
_READING = {
    "Get-CimInstance",
    "Get-DhcpServerDatabase",
    "Get-DhcpServerv4Failover",
    "Get-DhcpServerv4Scope",
    "Get-Service",
    "Get-WinEvent",
    "Select-Object",
    "Test-NetConnection",
    "w32tm",
    "winrm",
    "Export-DhcpServer",
    "Read-Host",
}
_WRITING = {
    "Add-DhcpServerv4FailoverScope",
    "Remove-DhcpServerv4Failover",
    "Remove-DhcpServerv4FailoverScope",
    "Set-DhcpServerv4Failover",
}
_SINGLE = "['\u2018-\u201b]"
_PAGE = (Path(__file__).parents[2] / GUIDE).read_text(encoding="utf-8")


def _faults(root: Node) -> list[str]:
    return [text(node) for node in walk(root) if node.is_error or node.is_missing]


def _called(root: Node) -> list[str]:
    return [text(node) for node in walk(root) if node.type == "command_name"]


def _literals(root: Node) -> list[str]:
    """Return the values of the single-quoted literals, as PowerShell reads them."""
    quoted = (text(n) for n in walk(root) if n.type == "verbatim_string_characters")
    return [re.sub(f"{_SINGLE}({_SINGLE})", r"\1", word[1:-1]) for word in quoted]


def _remedies_of(kind: Kind) -> list[Remedy]:
    return [build_remedy(facts) for facts in examples() if facts.kind is kind]


def test_every_kind_has_an_example_and_a_remedy() -> None:
    assert {facts.kind for facts in examples()} == set(Kind)
    for facts in examples():
        remedy = build_remedy(facts)
        assert remedy.steps
        assert all(step.text for step in remedy.steps)


def test_every_remedy_names_a_heading_of_the_page() -> None:
    headings = set(re.findall(r"^## (.*)$", _PAGE, flags=re.MULTILINE))
    remedies = map(build_remedy, examples())
    named = {remedy.heading for remedy in remedies if remedy.page == GUIDE}
    assert headings == named


# ------------------------------------------------------------------------------------ PowerShell


def test_every_powershell_command_is_one_pipeline_of_known_cmdlets() -> None:
    commands = rendered_commands()
    assert {name for c in commands for name in _called(tree(c))} == _READING | _WRITING
    for command in commands:
        root = tree(command)
        assert _faults(root) == [], command
        assert "\n" not in command
        statements = [n for n in walk(root) if n.type == "statement_list"]
        assert [len(n.named_children) for n in statements] == [1], command


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_one_literal_with_exactly_its_value(name: str) -> None:
    server = f"{name[:250]}.b"
    for facts in examples(name, name, server):
        for command in build_remedy(facts).commands:
            if command.shell is CommandShell.POWERSHELL and "-ComputerName" in command.text:
                values = _literals(tree(command.text))
                assert {name, server} & set(values), command.text
                assert set(values) <= {
                    *(name, server, "holder.xml", "partner.xml", "DhcpAdminEvents"),
                    *("Win32_OperatingSystem", *(f"scope-10.0.{n}.0.xml" for n in range(5))),
                }


@given(st.text().filter(is_copyable))
def test_every_name_that_can_be_copied_survives_powershell(name: str) -> None:
    root = tree(cmdlet("Get-DhcpServerv4Failover", Name=name).text)
    assert _faults(root) == []
    assert _literals(root) == [name]
    assert _called(root) == ["Get-DhcpServerv4Failover"]


def test_typographic_quotes_are_doubled() -> None:
    assert literal("a'b\u2018\u2019\u201a\u201bc\u201d") == (
        "'a''b\u2018\u2018\u2019\u2019\u201a\u201a\u201b\u201bc\u201d'"
    )


@given(st.integers(0, 2**32 - 1))
def test_a_duration_survives_from_finding_to_time_span(seconds: int) -> None:
    duration = duration_of(iso_duration(seconds))
    assert duration is not None
    days, _, clock = time_span(duration).rpartition(".")
    hours, minutes, rest = map(int, clock.split(":"))
    assert ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + rest == seconds


@pytest.mark.parametrize("word", ["", "P", "PT", "nothing", "3600", "PT1H; calc", "PT1H\n"])
def test_what_is_no_duration_is_none(word: str) -> None:
    assert duration_of(word) is None


# ------------------------------------------------------------------------------------------ ours


@given(st.lists(st.text().filter(is_copyable), min_size=1, max_size=3))
def test_every_name_that_can_be_copied_survives_the_shell(names: list[str]) -> None:
    words = shlex.split(ipam_sync("names alias add", *names, server=names[0]).text)
    assert words[:4] == ["ipam-sync", "names", "alias", "add"]
    assert words[-len(names) :] == names
    if any(name.startswith("-") for name in names):
        assert words[-len(names) - 1] == "--"


def test_a_value_that_looks_like_an_option_stays_with_its_option() -> None:
    command = ipam_sync("operations list", relationship="-x@dhcp01", held=None)
    assert command.text == "ipam-sync operations list --relationship=-x@dhcp01 --held"


def test_our_own_commands_hold_no_placeholder_and_apply_nothing_wholesale() -> None:
    commands = rendered_own_commands()
    assert commands
    for command in commands:
        words = shlex.split(command)
        assert words[0] == "ipam-sync"
        assert not {"NAME", "SERVER", "TEXT", "ID", "--destructive"} & set(words)
        assert not ("apply" in words and "--all" in words[:4])


# ---------------------------------------------------------------------------- names without command


@pytest.mark.parametrize("name", UNCOPYABLE)
def test_a_name_that_cannot_be_copied_gets_its_number_instead_of_a_command(name: str) -> None:
    for facts in examples(name, ONE, OTHER):
        remedy = build_remedy(facts)
        assert all(name not in command.text for command in remedy.commands)
        if facts.relationship == name:
            assert [c.text for c in remedy.commands] == ["ipam-sync drift show 7"]
    for facts in examples("HQ", name, OTHER):
        assert all(name not in command.text for command in build_remedy(facts).commands)


def test_a_relationship_without_a_name_gets_its_number_instead_of_a_command() -> None:
    for facts in examples(""):
        if facts.relationship == "":
            assert [c.text for c in build_remedy(facts).commands] == ["ipam-sync drift show 7"]


def test_an_example_without_a_number_gets_no_command_at_all() -> None:
    facts = Facts(Kind.ONE_SIDED, None, "a\nb", (ONE, OTHER))
    assert list(build_remedy(facts).commands) == []


# ------------------------------------------------------------------------------------ the problems


def _mismatch(*values: tuple[str, str, str], **stored: str) -> Remedy:
    said = tuple((what, ((ONE, a), (OTHER, b))) for what, a, b in values)
    facts = Facts(Kind.PARTNER_MISMATCH, 7, "HQ", (ONE, OTHER), said, stored=stored)
    return build_remedy(facts)


def _options(remedy: Remedy) -> list[tuple[str, str]]:
    """Return each option: the server that changes, and the parameters that set the value."""
    texts = [o.command.text for step in remedy.steps for o in step.options]
    prefix = "Set-DhcpServerv4Failover -ComputerName "
    assert all(t.startswith(prefix) for t in texts)
    return [
        (t.removeprefix(prefix).split(" ")[0].strip("'"), t.partition(" -Name 'HQ' ")[2])
        for t in texts
    ]


@pytest.mark.parametrize("kind", Kind)
def test_nothing_advises_to_overwrite_what_was_not_compared(kind: Kind) -> None:
    texts = [line.text for remedy in _remedies_of(kind) for line in lines(remedy)]
    assert texts
    assert not [t for t in texts if "FailoverReplication" in t or "--all --destructive" in t]


def test_both_sides_of_a_lead_time_are_complete_commands_with_what_they_lose() -> None:
    remedy = _mismatch(("MCLT", "PT1H", "P1DT2H"))
    assert _options(remedy) == [
        (OTHER, "-MaxClientLeadTime 01:00:00"),
        (ONE, "-MaxClientLeadTime 1.02:00:00"),
    ]
    assert [o.loss for o in remedy.steps[1].options] == [
        "This replaces 1 d 2 h there.",
        "This replaces 1 h there.",
    ]
    assert len(list(remedy.steps[0].commands)) == 2


def test_an_interval_is_set_only_where_automatic_transition_is_right() -> None:
    assert _options(
        _mismatch(
            ("AutoStateTransition", "true", "false"), ("StateSwitchInterval", "PT1H", "nothing")
        )
    ) == [
        (OTHER, "-AutoStateTransition $true -StateSwitchInterval 01:00:00"),
        (ONE, "-AutoStateTransition $false"),
    ]
    assert _options(_mismatch(("StateSwitchInterval", "PT1H", "PT30M"))) == [
        (OTHER, "-AutoStateTransition $true -StateSwitchInterval 01:00:00"),
        (ONE, "-AutoStateTransition $true -StateSwitchInterval 00:30:00"),
    ]


@pytest.mark.parametrize(
    "values",
    [
        ("AutoStateTransition", "true", "false"),
        ("StateSwitchInterval", "PT1H", "nothing"),
        ("Mode", "LoadBalance", "HotStandby"),
        ("Server1Percentage", "70", "60"),
        ("MCLT", "3600", "PT1H"),
        ("MCLT", "PT0S", "PT1H"),
        ("StateSwitchInterval", "PT0S", "PT1H"),
        ("Something", "1", "2"),
    ],
)
def test_where_no_command_is_safe_none_is_printed(values: tuple[str, str, str]) -> None:
    remedy = _mismatch(values)
    assert _options(remedy) == []
    assert {c.text.split(" ")[0] for c in remedy.commands} == {"Get-DhcpServerv4Failover"}


def test_the_reserve_of_a_hot_standby_can_be_set() -> None:
    values = ("Server1Percentage", "5", "10")
    assert _options(_mismatch(values, Mode="HotStandby")) == [
        (OTHER, "-ReservePercent 5"),
        (ONE, "-ReservePercent 10"),
    ]
    assert _options(_mismatch(values, Mode="LoadBalance")) == []


def test_a_reserve_is_set_only_while_both_show_hot_standby() -> None:
    text = _mismatch(("Server1Percentage", "5", "10"), Mode="HotStandby").steps[1].text
    assert text.startswith("Go on only if both show Mode HotStandby.")
    assert "ReservePercent" in text


def test_a_shared_secret_is_typed_and_never_printed() -> None:
    (command,) = _mismatch(("SharedSecretEnabled", "true", "false")).steps[1].commands
    assert command.text == (
        "Set-DhcpServerv4Failover -Name 'HQ' -SharedSecret (Read-Host 'Shared secret')"
    )


@pytest.mark.parametrize(
    ("word", "removes"),
    [
        ("was read without it", True),
        ("tells it with another partner", False),
        ("was retired by a person", False),
        ("was not read", False),
        ("told nothing at all, not yet confirmed", False),
        ("is another machine now, which lacks it", False),
    ],
)
def test_a_removal_is_printed_only_where_the_other_server_was_read_without_the_name(
    word: str, removes: bool
) -> None:
    said = (("HQ", ((ONE, "tells it"), (OTHER, word))),)
    remedy = build_remedy(Facts(Kind.ONE_SIDED, 7, "HQ", (ONE, OTHER), said))
    removals = [c.text for c in remedy.commands if c.text.startswith("Remove-")]
    wanted = [f"Remove-DhcpServerv4Failover -ComputerName '{ONE}' -Name 'HQ'"]
    assert removals == (wanted if removes else [])


def test_a_scope_is_looked_up_and_saved_before_it_is_taken_out() -> None:
    (remedy,) = _remedies_of(Kind.SCOPE_ONE_SIDED)
    assert [{c.text.split(" ")[0] for c in step.commands} for step in remedy.steps] == [
        {"Get-DhcpServerv4Scope", "Get-DhcpServerv4Failover"},
        {"Export-DhcpServer"},
        {"Remove-DhcpServerv4FailoverScope"},
        {"Add-DhcpServerv4FailoverScope"},
    ]
    assert "2 more" in remedy.steps[-1].text


def test_a_scope_is_taken_out_only_if_the_partner_was_read_without_it() -> None:
    said = (("10.0.0.0", ((ONE, "tells it"), (OTHER, "was not read"))),)
    remedy = build_remedy(Facts(Kind.SCOPE_ONE_SIDED, 7, "HQ", (ONE, OTHER), said))
    assert {c.text.split(" ")[0] for c in remedy.commands} == {"Get-DhcpServerv4Failover"}


def test_a_text_that_is_no_scope_is_in_no_command() -> None:
    said = (("10.0.0.0; calc", ((ONE, "tells it"), (OTHER, "does not tell it"))),)
    remedy = build_remedy(Facts(Kind.SCOPE_ONE_SIDED, 7, "HQ", (ONE, OTHER), said))
    assert all("calc" not in command.text for command in remedy.commands)


@pytest.mark.parametrize("kind", [Kind.BLOCKED, Kind.STATE_NOT_NORMAL, Kind.SERVER_DOWN])
def test_these_print_nothing_that_writes_on_a_server(kind: Kind) -> None:
    called = {
        name
        for remedy in _remedies_of(kind)
        for command in remedy.commands
        if command.shell is CommandShell.POWERSHELL
        for name in _called(tree(command.text))
    }
    assert called <= _READING


@pytest.mark.parametrize(
    ("alone", "says"),
    [
        ((ONE,), f"Bring {OTHER} back."),
        ((OTHER,), f"Bring {ONE} back."),
        ((ONE, OTHER), f"Restore the connection between {ONE} and {OTHER}: each serves alone."),
        ((), "Bring the partner of HQ back."),
    ],
)
def test_a_partner_that_is_down_is_named(alone: tuple[str, ...], says: str) -> None:
    said = tuple(("State", ((server, str(State.PARTNER_DOWN)),)) for server in alone)
    facts = Facts(Kind.STATE_NOT_NORMAL, 7, "HQ", (ONE, OTHER), said, grade=str(State.PARTNER_DOWN))
    (step,) = build_remedy(facts).steps
    assert step.text.startswith(says)


def test_either_name_of_one_machine_can_be_kept() -> None:
    (remedy,) = _remedies_of(Kind.DUPLICATE_SERVER)
    assert [(o.condition, o.command.text) for o in remedy.steps[1].options] == [
        (f"If {ONE} is the name to keep, disable {OTHER}.", f"ipam-sync servers disable {OTHER}"),
        (f"If {OTHER} is the name to keep, disable {ONE}.", f"ipam-sync servers disable {ONE}"),
    ]


def test_an_interrupted_pair_is_tested_from_both_sides() -> None:
    facts = Facts(
        Kind.STATE_NOT_NORMAL, 7, "HQ", (ONE, OTHER), grade=State.COMMUNICATIONS_INTERRUPTED
    )
    tested = [c.text for c in build_remedy(facts).commands if c.text.startswith("Test-")]
    assert tested == [
        f"Test-NetConnection -ComputerName '{OTHER}' -Port 647",
        f"Test-NetConnection -ComputerName '{ONE}' -Port 647",
    ]


def test_a_program_of_windows_gets_no_name_that_needs_quotes() -> None:
    facts = Facts(
        Kind.STATE_NOT_NORMAL, 7, "HQ", ("a b", '"x'), grade=State.COMMUNICATIONS_INTERRUPTED
    )
    assert not [c.text for c in build_remedy(facts).commands if c.text.startswith("w32tm")]


def test_removals_that_wait_are_decided_by_number() -> None:
    said = (("HQ", (("IPAM", "has it"), ("servers", "do not tell it"))),)
    remedy = build_remedy(Facts(Kind.CHANGE_WAITS, 7, "HQ", (ONE, OTHER), said))
    assert [c.text for c in remedy.commands] == [
        f"ipam-sync operations list --relationship HQ@{ONE}"
    ]


def test_a_scope_without_failover_is_never_said_to_be_served_by_nobody() -> None:
    for remedy in _remedies_of(Kind.SCOPE_WITHOUT_FAILOVER):
        assert not [line.text for line in lines(remedy) if "nobody" in line.text]


# ------------------------------------------------------------------------------------------- lines


def test_several_steps_are_a_numbered_list_and_one_is_not() -> None:
    (one_step,) = _remedies_of(Kind.STALE_EVIDENCE)
    assert not lines(one_step)[0].text.startswith("1.")
    (several,) = _remedies_of(Kind.SCOPE_ONE_SIDED)
    texts = [line.text for line in lines(several) if line.level == 0]
    assert [t[:2] for t in texts] == ["1.", "2.", "3.", "4.", "Se"]


def test_one_line_holds_a_single_command_and_else_says_where_they_are() -> None:
    (limit,) = _remedies_of(Kind.RELATIONSHIP_LIMIT_NEAR)
    assert summary_line(limit, 7).endswith(f"Get-DhcpServerv4Failover -ComputerName '{ONE}'")
    (several,) = _remedies_of(Kind.SCOPE_ONE_SIDED)
    assert summary_line(several, 7).endswith("Commands: ipam-sync drift show 7")
    assert "Commands" not in summary_line(several, None)
