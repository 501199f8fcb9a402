"""The judge of ``make replay``, on a dialogue that was written by hand."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest

from tests.collectors.simulator.recordings import Recording, recordings
from tests.collectors.simulator.replay import Comparison, main, replayed

HERE = Path(__file__).parent
USAGE = (
    "Say where the recorded dialogues are: make replay RECORDINGS=DIR"
    " (*.yml files with requests and responses)."
)
VERBS = ["Create", "Command", "Receive", "Receive", "Receive", "Receive", "Signal", "Delete"]


@pytest.fixture
def dialogue() -> Recording:
    return next(each for each in recordings(HERE) if each.name == "dialogue.yml")


@pytest.fixture
def brisk(dialogue: Recording) -> Recording:
    """The dialogue without the Receive that has to be waited for."""
    return replace(dialogue, exchanges=[e for e in dialogue.exchanges if not e.timed_out])


def _altered(dialogue: Recording, number: int, old: str, new: str) -> list[Comparison]:
    """What the replay finds if the recorded response of that number says something else."""
    exchanges = list(dialogue.exchanges)
    response = exchanges[number - 1].response
    assert old in response
    exchanges[number - 1] = replace(exchanges[number - 1], response=response.replace(old, new))
    return list(replayed([replace(dialogue, exchanges=exchanges)]))


def test_a_dialogue_as_windows_has_it_is_found_equal(dialogue: Recording) -> None:
    comparisons = list(replayed([dialogue]))
    assert [comparison.verb for comparison in comparisons] == VERBS
    assert not any(comparison.differences for comparison in comparisons)


@pytest.mark.parametrize(
    ("number", "old", "new", "told"),
    [
        pytest.param(2, "rsp:CommandResponse", "rsp:Reply", "-    <Reply", id="element's name"),
        pytest.param(1, "xmlns:p=", "xmlns:q=", "-q = http://", id="prefix"),
        pytest.param(1, "x:ResourceCreated", "w:ResourceCreated", "wsman.xsd]", id="namespace"),
        pytest.param(4, ' End="true"', "", '+      <Stream CommandId="..." End', id="attribute"),
        pytest.param(2, '"en-US"', '"en-GB"', '-<Envelope lang="en-GB">', id="attribute's value"),
        pytest.param(1, "PT7200.", "PT60.", "-      <IdleTimeOut>PT60.000S", id="value"),
        pytest.param(5, "2150858843", "2150858793", 'Code="2150858793"', id="fault code"),
        pytest.param(5, "w:Invalid", "w:Valid", "-          <Value>w:ValidSel", id="subcode"),
        pytest.param(6, "<rsp:SignalResponse/>", "", "+    <SignalResponse>", id="one too few"),
        pytest.param(6, "</s:Body>", "<s:Body/></s:Body>", "-    <Body>", id="one too many"),
    ],
)
def test_an_answer_of_another_shape_is_reported_and_how(
    brisk: Recording, number: int, old: str, new: str, told: str
) -> None:
    comparisons = _altered(brisk, number, old, new)
    differing = [each for each in comparisons if each.differences]
    assert [each.number for each in differing] == [number]
    assert any(told in line for line in differing[0].differences)
    assert told in str(differing[0])


def test_another_order_of_elements_is_reported(brisk: Recording) -> None:
    owner = r"<rsp:Owner>EXAMPLE\operator</rsp:Owner>"
    client = "<rsp:ClientIP>192.0.2.7</rsp:ClientIP>"
    without = replace(brisk.exchanges[0], response=brisk.exchanges[0].response.replace(owner, ""))
    moved = replace(without, response=without.response.replace(client, client + owner))
    assert owner in moved.response
    found = next(replayed([replace(brisk, exchanges=[moved])]))
    assert sorted(line[0] for line in found.differences) == ["+", "-"]
    assert all("<Owner>" in line for line in found.differences)


def test_another_status_of_http_is_reported(brisk: Recording) -> None:
    exchanges = [replace(each, status=200) for each in brisk.exchanges]
    comparisons = list(replayed([replace(brisk, exchanges=exchanges)]))
    assert comparisons[4].differences == ("-HTTP 200", "+HTTP 500")


def test_what_differs_by_nature_or_is_for_people_is_no_difference(brisk: Recording) -> None:
    for number, old, new in (
        (1, "EXAMPLE\\operator", "somebody"),
        (1, "192.0.2.7", "::1"),
        (5, 'Machine="recorded.example"', 'Machine="another"'),
        (7, "uuid:00000057", "uuid:99999999"),
    ):
        assert not any(each.differences for each in _altered(brisk, number, old, new))
    other_language = _altered(brisk, 5, "There is no", "Es gibt kein")[4]
    assert any("Es gibt kein" in line for line in other_language.words)
    assert not other_language.differences
    assert "equal, in other words" in str(other_language)


def test_identifiers_that_the_simulator_gave_out_stand_in_later_requests(
    brisk: Recording,
) -> None:
    headless = replace(brisk, exchanges=brisk.exchanges[1:])  # nobody opened the shell
    comparisons = list(replayed([headless]))
    # All but the one that is about a command that does not exist: it has the same code.
    assert [each.number for each in comparisons if each.differences] == [1, 2, 3, 5, 6]
    assert "2150858843" in str(comparisons[0])


def test_a_replay_prints_a_line_for_each_response_and_a_total(tmp_path: Path) -> None:
    text = (HERE / "dialogue.yml").read_text(encoding="utf-8")
    (tmp_path / "one.yml").write_text(text, encoding="utf-8")
    status, lines = _printed(str(tmp_path))
    assert status == 0
    assert lines[0] == "one.yml  1 Create  equal"
    assert lines[-1] == "8 of 8 responses equal."

    foreign = "- request: <a><ResourceURI>urn:other</ResourceURI></a>\n  response: <b/>\n"
    altered = text.replace("rsp:CommandResponse", "rsp:Reply")
    (tmp_path / "two.yml").write_text(altered + foreign, encoding="utf-8")
    status, lines = _printed(str(tmp_path))
    assert status == 1
    assert "two.yml  9         left out: it is not about a shell for command lines" in lines
    assert lines[-1] == "15 of 16 responses equal, 1 left out."


def test_who_names_no_recordings_is_told_how(tmp_path: Path) -> None:
    assert _printed() == (2, [USAGE])
    assert _printed(str(tmp_path)) == (2, [f"There is no recording (*.yml) in {tmp_path}.", USAGE])
    (tmp_path / "x.yml").write_text("nothing: here")
    assert _printed(str(tmp_path)) == (2, ["x.yml is no recording of requests and responses."])


def _printed(*arguments: str) -> tuple[int, list[str]]:
    out = StringIO()
    return main(arguments, out), out.getvalue().splitlines()
