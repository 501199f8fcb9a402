from __future__ import annotations

import pytest

from tests.language.words import (
    ALSO_ADJECTIVES,
    ALSO_NOUNS,
    VERBS,
    begins_with_pronoun_or_clause,
    begins_with_verb,
    has_no_noun,
)


@pytest.mark.parametrize(
    "docstring",
    [
        "Return the servers that are due, at most `limit`.",
        "Yield rows.",
        "Claim a batch.",
        "Run the function, or make the thread that is running it run it once more.",
        "Wait for a lease.",
        "List deliveries, the earliest due first.",
        "Record that a person decided.",
        "Report an error.",
        "Set modes of a file.",
        "Open a run.",
        "Close `connection`.",
        "Clear all caches.",
        "Mark\n    claims as abandoned.",
    ],
)
def test_an_act_at_the_head_of_a_docstring_is_a_verb(docstring: str) -> None:
    assert begins_with_verb(docstring)


@pytest.mark.parametrize(
    "docstring",
    [
        "The servers that are due.",
        "A run that is open.",
        "Those whose turn it is.",
        "What the store knows.",
        "Returns the servers.",
        "Returning of servers.",
        "Report of a run.",
        "Start of the run.",
        "Name.",
        "Lock, then.",
        "Open problems of a server.",
        "Complete.",
        "Be told of a change.",
        "RecordId of the row.",
        "``text`` on one line.",
        "",
    ],
)
def test_what_names_a_thing_or_a_state_is_no_verb(docstring: str) -> None:
    assert not begins_with_verb(docstring)


@pytest.mark.parametrize("docstring", ["Those that wait.", "What is due.", "It ends.", "One row."])
def test_a_docstring_that_begins_with_a_pronoun_or_a_clause_is_known(docstring: str) -> None:
    assert begins_with_pronoun_or_clause(docstring)


@pytest.mark.parametrize("docstring", ["Item of a list.", "Return what is due.", "Ones and zeros."])
def test_a_pronoun_counts_as_a_whole_word_at_the_head_only(docstring: str) -> None:
    assert not begins_with_pronoun_or_clause(docstring)


@pytest.mark.parametrize("name", ["told", "_known", "one", "now", "waits_for"])
def test_a_participle_or_an_adverb_is_no_name(name: str) -> None:
    assert has_no_noun(name)


@pytest.mark.parametrize("name", ["sightings", "due_at", "known_servers", "story"])
def test_a_name_with_a_noun_in_it_is_one(name: str) -> None:
    assert not has_no_noun(name)


def test_a_verb_is_in_one_list_and_in_its_base_form() -> None:
    assert not VERBS & ALSO_NOUNS
    assert not VERBS & ALSO_ADJECTIVES
    inflected = {w for w in VERBS | ALSO_NOUNS if w.endswith(("ed", "ing")) and len(w) > 5}
    assert inflected <= {"exceed", "proceed", "succeed"}
    assert not {w for w in VERBS if f"{w}s" in VERBS}
