"""Readings as documents: nothing lost, one text for the same words."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.model.nouns import Identity, Seen, ServedScope, State, Story
from tests.worker.store.samples import BEGIN, a_story, minutes
from tests.worker.store.strategies import readings
from worker.store.repositories.reading_document import document_of, seen_of

ONE, TWO = a_story(7, "alpha", 1, 2), a_story(7, "beta")
READING = Seen(7, BEGIN, (ONE, TWO), Identity("DHCP01", addresses=("10.0.0.1", "10.0.0.2")))


@given(readings)
def test_a_reading_comes_back_as_it_was_told(seen: Seen) -> None:
    back = seen_of(document_of(seen).text, seen.server, seen.read_at)
    assert Counter(back.stories) == Counter(seen.stories)
    assert replace(back, stories=()) == replace(seen, stories=())
    assert Counter(map(repr, _plain(back.stories))) == Counter(map(repr, _plain(seen.stories)))


def _plain(stories: tuple[Story, ...]) -> list[Story]:
    """Told apart by type too: True is not 1, an enumeration no text; sets have no order."""
    return [replace(story, scopes=frozenset()) for story in stories]


@given(readings, st.randoms(use_true_random=False))
def test_the_order_of_telling_does_not_count(seen: Seen, random: object) -> None:
    stories, scopes = list(seen.stories), list(seen.scopes or ())
    random.shuffle(stories)  # type: ignore[attr-defined] # hypothesis types it as object here
    random.shuffle(scopes)  # type: ignore[attr-defined]
    told = None if seen.scopes is None else tuple(scopes)
    shuffled = replace(seen, stories=tuple(stories), scopes=told)
    assert document_of(shuffled) == document_of(seen)


def test_the_order_of_a_servers_own_addresses_does_not_count() -> None:
    turned = Identity("DHCP01", addresses=("10.0.0.2", "10.0.0.1"))
    assert document_of(replace(READING, identity=turned)) == document_of(READING)


def test_who_and_when_do_not_count() -> None:
    stories = tuple(replace(story, asked=8) for story in READING.stories)
    other = replace(
        READING, server=8, read_at=minutes(5), stories=stories, clock_offset_seconds=90.0
    )
    assert document_of(other) == document_of(READING)


@pytest.mark.parametrize(
    "other",
    [
        replace(READING, stories=()),
        replace(READING, stories=(ONE,)),
        replace(READING, stories=(ONE, ONE, TWO)),
        replace(READING, stories=(replace(ONE, state=State.PARTNER_DOWN), TWO)),
        replace(READING, stories=(replace(ONE, scopes=frozenset({1, 3})), TWO)),
        replace(READING, stories=(replace(ONE, reserve_percent=None), TWO)),
        replace(READING, identity=None),
        replace(READING, scopes=()),
        replace(READING, scopes=(ServedScope(1, active=True),)),
        replace(READING, scopes=(ServedScope(1, active=False),)),
        replace(READING, scopes=(ServedScope(1, active=True, name="guests"),)),
        replace(READING, identity=Identity("DHCP02", addresses=("10.0.0.1", "10.0.0.2"))),
    ],
)
def test_every_other_difference_counts(other: Seen) -> None:
    assert document_of(other).digest != document_of(READING).digest


def test_documents_are_plain_ascii_whatever_a_server_calls_itself() -> None:
    """No database has to be asked whether it can keep a NUL or half a character."""
    hostile = Seen(7, BEGIN, (a_story(7, "a\0b\ud800\n"),))
    text = document_of(hostile).text
    assert text.isascii()
    assert text.isprintable()
    assert seen_of(text, 7, BEGIN) == hostile


def test_a_kept_document_is_never_given_another_digest() -> None:
    """A change of this text makes every unchanged reading of every store look new."""
    assert document_of(Seen(7, BEGIN, (TWO,))).text == (
        '{"schema":1,"identity":null,"stories":[{"auto_state_transition":false,'
        '"mclt_seconds":3600,"mode":"HotStandby","name":"beta","partner":"dhcp02",'
        '"primary_name":"dhcp01.corp.example","reserve_percent":5,"scopes":[],'
        '"server_type":"PrimaryServer","state":"Normal",'
        '"unknown_values":[["ServerRole","Sleeping"]]}]}'
    )
