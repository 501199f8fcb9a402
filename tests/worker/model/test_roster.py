"""The index of the inventory: a renewed one is like one made from nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconcile.model.names import NameMap
from reconcile.model.nouns import Alias, Provenance, Server, Standing
from worker.model import roster as module
from worker.model.roster import Roster

SELF, PERSON = Provenance.SELF, Provenance.PERSON
SERVERS = tuple(Server(n, f"dhcp0{n}.corp.example", aliases=(Alias("old", SELF),)) for n in (1, 2))
ONE, TWO = SERVERS
TEXTS = ("old", "own", "given", "dhcp01", "dhcp03.corp.example", "dhcp03")


@pytest.mark.parametrize(
    "changed",
    [
        (replace(ONE, aliases=(*ONE.aliases, Alias("own", SELF)), machine_id="m"), TWO),
        (replace(ONE, aliases=(*ONE.aliases, Alias("given", PERSON))), TWO),
        (replace(ONE, aliases=(Alias("own", SELF),)), TWO),
        (replace(ONE, aliases=()), TWO),
        (replace(ONE, name="dhcp03.corp.example"), TWO),
        (replace(ONE, standing=Standing.RETIRED, machine_id="m"), TWO),
        (TWO,),
        (*SERVERS, Server(3, "dhcp03.corp.example")),
        (ONE, replace(TWO, id=3)),
    ],
    ids=["own", "given", "otherwise", "fewer", "renamed", "retired", "gone", "come", "another"],
)
def test_whatever_changes_it_says_what_a_new_one_would(changed: tuple[Server, ...]) -> None:
    now = Roster.of(SERVERS).renewed(changed)
    names = NameMap(changed)
    assert dict(now.servers) == {server.id: server for server in changed}
    assert now.machines == (
        {"m": frozenset({1})}
        if ONE.standing is changed[0].standing and changed[0].machine_id
        else {}
    )
    for text in TEXTS:
        assert now.names.resolve([text], 99) == names.resolve([text], 99)
        assert now.names.denotes(text, 1) == names.denotes(text, 1)


def test_what_servers_say_of_themselves_is_no_reason_to_begin_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a first run every server does."""
    before = Roster.of(SERVERS)
    monkeypatch.setattr(module, "NameMap", None)
    taught = (replace(ONE, aliases=(*ONE.aliases, Alias("own", SELF))), TWO)
    assert before.renewed(taught).names.denotes("own", 1)
