"""Scripts as they are sent: whole, short enough, recognised by content; and what they print."""

from __future__ import annotations

from base64 import b64encode
from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.scripts import Script, packaged, projection, recognised
from collectors.wire import (
    DhcpService,
    ProjectedRelationship,
    ProjectedScope,
    ReportedFailure,
    ReportedHost,
)
from tests.collectors.scripts.syntax import tokens

FAILOVER = packaged("failover")
#: The most that is safe, see collectors/scripts/failover.ps1.
MOST_CHARACTERS = 2_900
#: Of cmd.exe, which runs the line of a WinRM shell as an argument of its own.
LONGEST_COMMAND_LINE = 8_191
BY_CMD = 'cmd.exe /c ""'


def line(script: Script) -> str:
    return " ".join((script.command, *script.arguments))


def encoded(text: str) -> str:
    return b64encode(text.encode("utf-16-le")).decode("ascii")


def printing(*lines: str) -> Script:
    """A script with that below a mark of host members."""
    marks = [f"# members: {p}\n  a = 1\n}}" for p in ("relationship", "error", "scope", "service")]
    return Script("example", "\n".join([*marks, "# members: host", *lines]), "")


def test_it_fits_a_command_line() -> None:
    assert len(FAILOVER.sent) <= MOST_CHARACTERS
    assert len(BY_CMD) + len(line(FAILOVER)) <= LONGEST_COMMAND_LINE


def test_it_is_ascii_and_nothing_of_its_line_needs_quoting() -> None:
    assert FAILOVER.source.isascii()
    assert not set(line(FAILOVER)) & set("\"'^&|<>()%!\n")


def test_a_line_of_the_most_characters_would_still_fit() -> None:
    longest = Script("longest", "", "x" * MOST_CHARACTERS)
    assert len(BY_CMD) + len(line(longest)) <= LONGEST_COMMAND_LINE


def test_what_is_sent_lacks_only_comments_and_indentation() -> None:
    assert tokens(FAILOVER.sent) == tokens(FAILOVER.source)
    kept = FAILOVER.sent.splitlines()
    assert [s for x in FAILOVER.source.splitlines() if (s := x.strip()) in kept] == kept
    assert all(text == text.strip() and text[0] != "#" for text in kept)


@pytest.mark.parametrize(
    "start",
    [
        "powershell.exe -NoProfile -NonInteractive -EncodedCommand",
        "powershell -encodedcommand",  # Session.run_ps of pywinrm
        "PowerShell.exe -noprofile -noninteractive -encodedCommand",
    ],
)
def test_it_is_recognised_in_our_form_and_in_that_of_pywinrm(start: str) -> None:
    assert recognised(f"{start} {encoded(FAILOVER.sent)}") == FAILOVER
    assert recognised(f" {start} {encoded(FAILOVER.sent)}\n") == FAILOVER


def test_our_form_is_the_one_that_is_sent() -> None:
    assert recognised(line(FAILOVER)) == FAILOVER


WHOLE = encoded(FAILOVER.sent)


@pytest.mark.parametrize(
    "command_line",
    [
        "",
        "hostname",
        WHOLE,
        "powershell.exe -EncodedCommand",
        f"pwsh.exe -EncodedCommand {WHOLE}",
        f"powershell.exe -Command {WHOLE}",
        f"powershell.exe -EncodedCommand {WHOLE} -Verbose",
        f"powershell.exe -EncodedCommand {WHOLE}; hostname",
        f"hostname & powershell.exe -EncodedCommand {WHOLE}",
        f"powershell.exe -EncodedCommand {WHOLE[:-4]}",
        f"powershell.exe -EncodedCommand {WHOLE[:-1]}",
        f"powershell.exe -EncodedCommand {WHOLE[:100]}\u00e9{WHOLE[101:]}",
        f"powershell.exe -EncodedCommand {encoded(FAILOVER.source)}",
        f"powershell.exe -EncodedCommand {encoded(FAILOVER.sent + ' ')}",
        f"powershell.exe -EncodedCommand {encoded(FAILOVER.sent[1:])}",
        f"powershell.exe -EncodedCommand {encoded('hostname')}",
        f"powershell.exe -EncodedCommand {b64encode(FAILOVER.sent.encode()).decode()}",
        f"powershell.exe -EncodedCommand {b64encode(b'x').decode()}",
    ],
)
def test_nothing_else_is_taken_for_it(command_line: str) -> None:
    assert recognised(command_line) is None


@given(st.text())
def test_any_text_may_be_asked_about(text: str) -> None:
    """The simulated servers ask about whatever a client sends."""
    assert recognised(f"powershell -encodedcommand {text}") is None


class TestProjection:
    """What the script prints is read from its source, for the simulated servers."""

    def test_it_has_every_member_of_the_wire_and_no_other(self) -> None:
        """In the same order, so that a document looks the same whoever made it."""
        members = projection(FAILOVER)
        assert members.relationship == tuple(get_type_hints(ProjectedRelationship))
        assert members.scope == tuple(get_type_hints(ProjectedScope))
        assert members.host == tuple(get_type_hints(ReportedHost))
        assert members.error == tuple(get_type_hints(ReportedFailure))
        assert members.service == tuple(get_type_hints(DhcpService))

    def test_a_member_that_is_dropped_is_missing(self) -> None:
        without = FAILOVER.source.replace(
            "        MaxClientLeadTime = S $_.MaxClientLeadTime\n", ""
        )
        members = projection(Script("failover", without, ""))
        assert set(projection(FAILOVER).relationship) - set(members.relationship) == {
            "MaxClientLeadTime"
        }

    def test_the_members_end_with_their_literal(self) -> None:
        members = projection(printing("    one = T $a", "    two = @{ }", "    }", "    three = 3"))
        assert members.host == ("one", "two")

    def test_a_part_that_is_not_there_is_an_error(self) -> None:
        with pytest.raises(ValueError, match=r"example\.ps1 has no members of relationship"):
            projection(Script("example", "$a = 1", ""))

    @pytest.mark.parametrize("stray", ["T $a", "one =", "# one = 1"])
    def test_a_line_that_is_no_member_is_an_error(self, stray: str) -> None:
        with pytest.raises(ValueError, match=r"example\.ps1 does not list the members of host"):
            projection(printing("    one = 1", f"    {stray}", "}"))

    def test_a_literal_that_does_not_end_is_an_error(self) -> None:
        with pytest.raises(ValueError, match="members of host line by line"):
            projection(printing("    one = 1"))
