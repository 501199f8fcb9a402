"""Holds the simulated WinRM service to recorded dialogues with Windows: ``make replay``.

The recorded requests are sent to a simulated service, identifiers exchanged for those it gave out,
and each of its answers is compared with the recorded one.  The machine behind it prints what the
recorded commands printed, so what is compared is WS-Management and not Windows.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TextIO
from xml.etree import ElementTree as ET

import requests

from collectors.simulator.authority import Authority
from collectors.simulator.machine import DomainAccount
from collectors.simulator.server import Simulator
from collectors.simulator.station import BASIC, Station
from tests.collectors.simulator.recordings import Exchange, RecordedMachine, Recording, recordings
from tests.collectors.simulator.skeleton import skeleton

_ACCOUNT: Final = DomainAccount("replay", "replay")
_IDENTIFIERS: Final = (".//{*}ShellId", ".//{*}CommandId")
_SECONDS: Final = 60
_WIDTH: Final = 160
_USAGE: Final = (
    "Say where the recorded dialogues are: make replay RECORDINGS=DIR"
    " (*.yml files with requests and responses).\n"
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of one response.

    ``words`` are differences in what is for people, which do not count; ``left_out`` says why the
    response was not compared.
    """

    recording: str
    number: int
    verb: str = ""
    differences: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    left_out: str | None = None

    def __str__(self) -> str:
        verdict = ["equal"]
        if self.left_out is not None:
            verdict = [f"left out: {self.left_out}"]
        elif self.differences:
            verdict = ["differs (- recorded, + simulated):", *self.differences]
        elif self.words:
            verdict = ["equal, in other words (- recorded, + simulated):", *self.words]
        told = "\n    ".join(line[:_WIDTH] for line in verdict)
        return f"{self.recording} {self.number:2} {self.verb:7} {told}"


def replayed(dialogues: Sequence[Recording]) -> Iterator[Comparison]:
    """Each response of the simulator, compared with the recorded one."""
    authority = Authority()
    stations = [
        Station(RecordedMachine(each), tls=True, schemes=(BASIC,), activity_ids=each.activity_ids)
        for each in dialogues
    ]
    with (
        TemporaryDirectory() as directory,
        Simulator(stations, [_ACCOUNT], authority),
        requests.Session() as session,
    ):
        session.verify = str(authority.write(Path(directory)))
        session.auth = (_ACCOUNT.username, _ACCOUNT.password)
        session.trust_env = False
        for station, recording in zip(stations, dialogues, strict=True):
            yield from _replayed(recording, station, session)


def _replayed(
    recording: Recording, station: Station, session: requests.Session
) -> Iterator[Comparison]:
    ids: dict[str, str] = {}
    for number, exchange in enumerate(recording.exchanges, 1):
        if exchange.left_out is not None:
            yield Comparison(recording.name, number, left_out=exchange.left_out)
            continue
        request = exchange.hurried()
        for recorded, ours in ids.items():
            request = request.replace(recorded, ours)
        response = session.post(
            station.url,
            request.encode("utf-8"),
            headers={"Content-Type": "application/soap+xml;charset=UTF-8"},
            timeout=_SECONDS,
        )
        yield _compared(recording.name, number, exchange, response)
        ids |= _renamed(exchange.response, response.text)


def _compared(
    name: str, number: int, exchange: Exchange, response: requests.Response
) -> Comparison:
    differences = []
    if response.status_code != exchange.status:
        differences = [f"-HTTP {exchange.status}", f"+HTTP {response.status_code}"]
    answer = response.text or "<nothing/>"
    ours, recorded = skeleton(answer), skeleton(exchange.response)
    related = ET.fromstring(answer).findtext(".//{*}RelatesTo")  # noqa: S314 - our own
    if related != exchange.asked.findtext(".//{*}MessageID"):
        differences.append(f"+RelatesTo {related}, which is not the request")
    differences += ours.differences(recorded)
    words = ours.other_words(recorded)
    return Comparison(name, number, exchange.verb, tuple(differences), tuple(words))


def _renamed(recorded: str, ours: str) -> dict[str, str]:
    """The identifiers that a recorded answer gives out, and what they are in ours."""
    was, now = (ET.fromstring(each) for each in (recorded, ours))  # noqa: S314 - see skeleton
    pairs = ((was.findtext(path), now.findtext(path)) for path in _IDENTIFIERS)
    return {old.strip(): new.strip() for old, new in pairs if old and new}


def main(arguments: Sequence[str], out: TextIO) -> int:
    """Print a line for each response and the total; 0 if no response differs."""
    if len(arguments) != 1:
        out.write(_USAGE)
        return 2
    try:
        dialogues = recordings(Path(arguments[0]))
    except ValueError as error:
        out.write(f"{error}\n")
        return 2
    if not dialogues:
        out.write(f"There is no recording (*.yml) in {arguments[0]}.\n{_USAGE}")
        return 2
    return summed(replayed(dialogues), out)


def summed(comparisons: Iterable[Comparison], out: TextIO) -> int:
    equal = differ = left_out = 0
    for comparison in comparisons:
        out.write(f"{comparison}\n")
        out.flush()
        differ += bool(comparison.differences)
        left_out += comparison.left_out is not None
        equal += not comparison.differences and comparison.left_out is None
    out.write(f"{equal} of {equal + differ} responses equal")
    out.write(f", {left_out} left out.\n" if left_out else ".\n")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdout))
