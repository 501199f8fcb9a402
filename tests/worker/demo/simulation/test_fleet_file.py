"""The file of a simulated fleet: what it may say, and every problem by its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from collectors.simulator.running import Listener, SimulatedLogon
from worker.demo.simulation.fleet_file import FleetFileError, read_fleet

GOOD = """\
servers:
  - {name: a.example, address: 10.0.0.1, os: 2012, tls: false, faults: [drip, drop@Create*1]}
  - {name: b.example, address: 10.0.0.2, logon: basic, port: 15986, alone: [10.9.0.0]}
relationships:
  - name: HQ
    primary: a.example
    secondary: b.example
    mode: HotStandby
    scopes: [10.1.0.0, 10.1.2-3.0]
    at: {b.example: {mclt_seconds: 60}}
"""


def write(directory: Path, text: str) -> Path:
    """The file."""
    path = directory / "fleet.yaml"
    path.write_text(text)
    return path


def test_servers_and_relationships_are_as_described(tmp_path: Path) -> None:
    described = read_fleet(write(tmp_path, GOOD))
    a, b = described.fleet.servers
    assert described.listeners == {
        "a.example": Listener(tls=False, faults=("drip", "drop@Create*1")),
        "b.example": Listener(logon=SimulatedLogon.BASIC, port=15986),
    }
    assert (str(a.generation), list(b.alone)) == ("2012", ["10.9.0.0"])
    assert a.copies["hq"].scopes == ["10.1.0.0", "10.1.2.0", "10.1.3.0"]
    assert [s.copies["hq"].mclt_seconds for s in (a, b)] == [3600, 60]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is empty"),
        ("relationships: []", "needs servers"),
        ("servers: [{address: 10.0.0.1}]", "line 1: servers[0] needs name"),
        ("servers: [{name: a, address: 10.0.0}]", "must be an IPv4 address"),
        ("servers:\n  - {name: a, address: 10.0.0.1, oss: 2012}", "did you mean os"),
        ("servers: [{name: a, address: 10.0.0.1, os: 95}]", "give one of 2012"),
        ("servers: [{name: a, address: 10.0.0.1, faults: [rain]}]", "'rain' is no fault"),
        ("servers: [{name: a, address: 10.0.0.1, port: 70000}]", "must be a port"),
        ("servers: [{name: a, address: 10.0.0.1, logon: basic, tls: false}]", "must have tls"),
        (GOOD + "  - {name: X, primary: a.example}", "line 11: relationships[1] needs secondary"),
        (GOOD.replace("b.example: {mclt", "c.example: {mclt"), "no server called 'c.example'"),
        (GOOD.replace("b.example, address", "a.example, address"), "is there twice"),
        ("servers: {", "is not YAML"),
    ],
)
def test_every_problem_is_a_sentence_with_its_place(
    tmp_path: Path, text: str, problem: str
) -> None:
    with pytest.raises(FleetFileError) as raised:
        read_fleet(write(tmp_path, text))
    assert problem.casefold() in str(raised.value).casefold()


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(FleetFileError, match="cannot be read"):
        read_fleet(tmp_path / "none.yaml")
