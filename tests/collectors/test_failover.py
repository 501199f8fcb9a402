"""One round of talk with live servers: who is asked, in which order, and what comes of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from collectors.failover import FailoverCollector, PollTarget, poll
from collectors.powershell.errors import TimedOut
from collectors.powershell.host import Host
from collectors.powershell.logons import CredentialSuspended
from collectors.wire import ReportedFailure
from reconcile.model.nouns import (
    Alias,
    Provenance,
    ReadFailure,
    Seen,
    Server,
    Sighting,
    Skipped,
    SkipReason,
    Unseen,
)
from tests.collectors import powershell_json
from tests.collectors.answers import Answering, host_of
from tests.reconcile.fleet import START

SERVERS = tuple(Server(n, f"dhcp{n:02}.corp.example") for n in range(1, 9))
ONE, TWO, THREE = SERVERS[:3]
CONFIG = ReadFailure("local_config", "No password.", "Set it.", retry=False)
A_MINUTE = 60.0


def printed(server: Server, clock: str = "2026-11-02T08:00:00.0000000Z") -> bytes:
    """What a healthy server prints, with one relationship."""
    host = powershell_json.host(server.name.partition(".")[0].upper(), server.name)
    host["clock"] = clock
    told = powershell_json.relationship("HQ", "partner.corp.example")
    return powershell_json.own_document([told], host)


def ways(*servers: Server, **others: PollTarget) -> dict[int, PollTarget]:
    """The usual way to each; ``others`` by name of the variable: ONE, TWO."""
    named: dict[str, Server] = {"ONE": ONE, "TWO": TWO, "THREE": THREE}
    usual: dict[int, PollTarget] = {s.id: host_of(s) for s in servers}
    return usual | {named[name].id: way for name, way in others.items()}


def well(*servers: Server) -> Answering:
    return Answering({s.id: printed(s) for s in servers})


def at_start() -> datetime:
    return START


@dataclass
class Watching:
    """Progress as it is told."""

    begun: list[int] = field(default_factory=list)
    told: list[Sighting] = field(default_factory=list)

    def begin(self, servers: int) -> None:
        self.begun.append(servers)

    def concluded(self, sighting: Sighting) -> None:
        self.told.append(sighting)


def test_who_has_no_way_is_not_asked() -> None:
    powershell = well(ONE, TWO)
    collector = FailoverCollector(powershell, ways(ONE, TWO), concurrency=4)
    assert collector.offers(SERVERS) == {ONE.id, TWO.id}
    assert {s.server for s in collector.look(SERVERS, at_start)} == {ONE.id, TWO.id}
    assert sorted(powershell.asked) == [ONE.id, TWO.id]


def test_every_server_concludes_however_it_went() -> None:
    """Seen, failed, refused by the gate, left out on purpose, or never to be reached."""
    powershell = Answering(
        {
            ONE.id: printed(ONE),
            TWO.id: TimedOut("dhcp02: no answer in time.", "Look there."),
            THREE.id: CredentialSuspended("corp"),
        }
    )
    usual = ways(ONE, TWO, THREE)
    left_out: dict[int, PollTarget] = {4: SkipReason.BACK_OFF, 5: CONFIG}
    collector = FailoverCollector(powershell, usual | left_out, concurrency=4)
    found = {s.server: s for s in collector.look(SERVERS, at_start)}
    assert isinstance(found[1], Seen)
    assert [story.name for story in found[1].stories] == ["HQ"]
    assert found[2] == Unseen(
        2, START, ReadFailure("timeout", "dhcp02: no answer in time.", "Look there.", retry=True)
    )
    assert found[3] == Skipped(3, SkipReason.CREDENTIAL)
    assert found[4] == Skipped(4, SkipReason.BACK_OFF)
    assert found[5] == Unseen(5, START, CONFIG)
    assert sorted(powershell.asked) == [1, 2, 3]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"", "empty_output"),
        (b"{", "decode"),
        (printed(TWO), "wrong_host"),
        (
            powershell_json.failed_document(
                ReportedFailure(fqid="WIN32 5,x", category="PermissionDenied", message="no"),
                powershell_json.host("DHCP01", ONE.name),
            ),
            "dhcp",
        ),
    ],
)
def test_an_answer_that_is_no_reading_of_that_server_is_a_failed_read(
    answer: bytes, code: str
) -> None:
    """R1: exit code 0 is no proof of anything."""
    collector = FailoverCollector(Answering({1: answer}), ways(ONE), concurrency=1)
    (unseen,) = collector.look([ONE], at_start)
    assert isinstance(unseen, Unseen)
    assert unseen.failure.code == code


def test_those_that_accepted_last_time_are_asked_first() -> None:
    """R13: a credential is proven where it most likely is right."""
    powershell = well(*SERVERS)
    collector = FailoverCollector(powershell, ways(*SERVERS), concurrency=1, first=[5, 3])
    list(collector.look(SERVERS, at_start))
    assert powershell.asked == [3, 5, 1, 2, 4, 6, 7, 8]


def test_no_more_than_so_many_are_asked_at_once() -> None:
    """And as many as that: four wait for each other."""
    together = threading.Barrier(4)
    running: list[int] = []
    most: list[int] = []

    def ask(host: Host) -> None:
        running.append(host.server)
        most.append(len(running))
        together.wait(timeout=A_MINUTE)
        running.remove(host.server)

    powershell = Answering({s.id: printed(s) for s in SERVERS}, before=ask)
    collector = FailoverCollector(powershell, ways(*SERVERS), concurrency=4)
    assert len(list(collector.look(SERVERS, at_start))) == len(SERVERS)
    assert max(most) == 4


def test_one_that_hangs_delays_no_other() -> None:
    """R8: the others are told while it is still being asked."""
    others_told = threading.Event()

    def ask(host: Host) -> None:
        if host.server == ONE.id:
            assert others_told.wait(timeout=A_MINUTE)

    powershell = Answering({s.id: printed(s) for s in SERVERS}, before=ask)
    collector = FailoverCollector(powershell, ways(*SERVERS), concurrency=2)
    order = []
    for sighting in collector.look(SERVERS, at_start):
        order.append(sighting.server)
        if len(order) == len(SERVERS) - 1:
            others_told.set()
    assert order[-1] == ONE.id


def test_a_watcher_is_told_how_many_and_of_each() -> None:
    watching = Watching()
    left_out = ways(ONE, TWO=SkipReason.BACK_OFF)
    collector = FailoverCollector(well(ONE), left_out, concurrency=4, progress=watching)
    found = list(collector.look(SERVERS, at_start))
    assert watching.begun == [2]
    assert watching.told == found


def test_with_nobody_to_ask_nobody_is_watched() -> None:
    watching = Watching()
    collector = FailoverCollector(well(), {}, concurrency=4, progress=watching)
    assert list(collector.look(SERVERS, at_start)) == []
    assert watching.begun == []


def test_who_gives_up_stops_the_polls_under_way_and_begins_no_other() -> None:
    """Ctrl-C, or an error in whoever takes the sightings."""

    def ask(host: Host) -> None:
        if host.server != ONE.id:
            assert powershell.stopped.wait(timeout=A_MINUTE)

    powershell = Answering({s.id: printed(s) for s in SERVERS}, before=ask)
    collector = FailoverCollector(powershell, ways(*SERVERS), concurrency=2)
    sightings = collector.look(SERVERS, at_start)
    assert next(sightings).server == ONE.id
    assert isinstance(sightings, Iterator)
    sightings.close()  # type: ignore[attr-defined]  # a generator, which the port does not promise
    assert powershell.stopped.is_set()
    assert len(powershell.asked) < len(SERVERS)


def test_a_mistake_of_ours_is_no_failed_read() -> None:
    """It is not hidden among the servers that could not be read."""
    collector = FailoverCollector(
        Answering({1: ZeroDivisionError("ours")}), ways(ONE), concurrency=1
    )
    with pytest.raises(ZeroDivisionError):
        list(collector.look([ONE], at_start))


class TestDates:
    """A reading is dated before it begins; its clock is compared with both of its ends (R1)."""

    @pytest.mark.parametrize(
        ("told", "offset"),
        [
            ("2026-11-02T08:00:00.0000000Z", 0.0),
            ("2026-11-02T08:00:10.0000000Z", 0.0),
            ("2026-11-02T08:00:20.0000000Z", 0.0),
            ("2026-11-02T08:00:21.5000000Z", 1.5),
            ("2026-11-02T07:59:50.0000000Z", -10.0),
            ("2026-11-02T09:02:00.0000000+01:00", 100.0),
        ],
    )
    def test_what_the_time_of_the_reading_cannot_explain_is_the_offset(
        self, told: str, offset: float
    ) -> None:
        """It began at 08:00:00 and took 20 seconds."""
        times = iter([START, START + timedelta(seconds=20)])
        powershell = Answering({1: printed(ONE, told)})
        seen = poll(powershell, ONE, host_of(ONE), lambda: next(times))
        assert (seen.read_at, seen.clock_offset_seconds) == (START, offset)

    def test_it_is_dated_before_the_server_is_asked(self) -> None:
        asked_at: list[datetime] = []
        now = [START]

        def clock() -> datetime:
            now[0] += timedelta(seconds=1)
            return now[0]

        powershell = Answering({1: printed(ONE)}, before=lambda _: asked_at.append(clock()))
        collector = FailoverCollector(powershell, ways(ONE), concurrency=1)
        (seen,) = collector.look([ONE], clock)
        assert isinstance(seen, Seen)
        assert seen.read_at < asked_at[0]
        powershell = Answering(
            {1: TimedOut("no", "look")}, before=lambda _: asked_at.append(clock())
        )
        collector = FailoverCollector(powershell, ways(ONE), concurrency=1)
        (unseen,) = collector.look([ONE], clock)
        assert isinstance(unseen, Unseen)
        assert unseen.read_at < asked_at[1]


def test_a_machine_answers_for_a_name_only_if_people_gave_it_that_name() -> None:
    """The inventory may call it otherwise, with its own name as an alias."""
    named = replace(ONE, name="hq.corp.example")
    known = replace(named, aliases=(Alias(ONE.name, Provenance.PERSON),))
    collector = FailoverCollector(Answering({1: printed(ONE)}), ways(named), concurrency=1)
    (stranger,) = collector.look([named], at_start)
    (itself,) = collector.look([known], at_start)
    assert isinstance(stranger, Unseen)
    assert stranger.failure.code == "wrong_host"
    assert isinstance(itself, Seen)
