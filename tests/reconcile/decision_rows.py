"""What the words of docs/explanation/decisions.md mean, table by table; used by ``test_decisions``."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconcile.model.nouns import Operation, Seen, Server, Standing, Story
from reconcile.model.record import Planned
from tests.reconcile.decision_inputs import (
    NAME,
    A,
    B,
    C,
    D,
    Told,
    Word,
    check,
    digits,
    fleet,
    is_about_hq,
    managed,
    saying,
    scopes,
    story,
    worded,
)
from tests.reconcile.decision_page import Row
from tests.reconcile.fleet import Ipam, told_by

# --- A x B x IPAM


def main_table(row: Row) -> None:
    a, b, store = row["A"], row["B"], row["IPAM"]
    missing = [s for s, word in ((A, a), (B, b)) if word == "unmanaged"]
    ipam = fleet(*missing)
    if store != "none":
        ipam.run(saying(ipam.servers, {A: story(A), B: story(B)}))
    if store == "pending":
        ipam.run(saying(ipam.servers, {A: story(A, 2), B: story(B, 2)}), apply_all=False)
        assert [e.planned.operation for e in ipam.pending()] == [Operation.UPDATE]
    told = {A: _main_word(A, a, a), B: _main_word(B, b, a)}
    check(row, ipam, saying(ipam.servers, {s: w for s, w in told.items() if s not in missing}))


def _main_word(side: Server, word: str, a: str) -> Word:
    match word:
        case "equal" | "tells":
            return story(side)
        case "different":
            return story(side, 0.5 if side is B and a == "different" else 2)
        case "same":
            return story(side, 2)
        case "without":
            return None
        case "unread" | "unmanaged":
            return "unread"
        case _:
            raise AssertionError(f"unknown word {word!r}")


def pending_table(row: Row) -> None:
    ipam = fleet()
    told: dict[Server, Word] = {A: story(A), B: story(B)}
    if row["pending"] == "FailoverDelete":
        ipam.run(saying(ipam.servers, told))
        told = {A: None, B: None}
    ipam.run(saying(ipam.servers, told), apply_all=False)
    assert [str(p.operation) for p in _about_hq(ipam)] == [row["pending"]]
    now = {A: _main_word(A, row["A"], row["A"]), B: _main_word(B, row["B"], row["A"])}
    check(row, ipam, saying(ipam.servers, now))


def _about_hq(ipam: Ipam) -> list[Planned]:
    return [e.planned for e in ipam.pending() if is_about_hq(e.planned, None)]


# --- scopes


def scope_table(row: Row) -> None:
    missing = [B] if row["B"] == "unmanaged" else []
    ipam = fleet(*missing)
    if row["IPAM"] != "missing":
        ipam.run(saying(ipam.servers, _tell_scopes(row["IPAM"], row["IPAM"])))
    if row["pending"] != "-":
        operation, _, inside = row["pending"].removesuffix(")").partition("(")
        stored = scopes(row["IPAM"])
        after = {
            "FailoverAddScopes": stored | scopes(inside),
            "FailoverRemoveScopes": stored - scopes(inside),
        }[operation]
        words = digits(tuple(sorted(after)))
        ipam.run(saying(ipam.servers, _tell_scopes(words, words)), apply_all=False)
        assert [worded(e.planned, True) for e in ipam.pending()] == [row["pending"]]
    told = _tell_scopes(row["A"], row["B"])
    check(row, ipam, saying(ipam.servers, told), show_scopes=True)


def _tell_scopes(a: str, b: str) -> dict[Server, Word]:
    words: dict[Server, Word] = {}
    for side, word in ((A, a), (B, b)):
        if word in ("unread", "unmanaged"):
            words[side] = "unread"
        else:
            words[side] = None if word == "without" else story(side, has=word)
    return words


# --- a silent partner


@dataclass(frozen=True)
class Past:
    """What the two told last, what IPAM has, and a disagreement that is open."""

    ipam: Ipam
    before: Word
    latest: Word


def remembered(past: Past, disagreement: tuple[Word, Word] | None) -> None:
    """Put the past into IPAM: an open finding by a run that would find it, then the readings."""
    ipam = past.ipam
    if disagreement is not None:
        told = saying(ipam.servers, {A: disagreement[0], B: disagreement[1]})
        plan = ipam.plan(told)
        ipam.findings = {f.fingerprint: f for f in plan.findings if f.relationship == NAME}
        assert ipam.findings
    ipam.previous = {k: v for k, v in ipam.previous.items() if k == C.id}
    words = {A: past.before, B: past.latest}
    for side, word in words.items():
        if word != "never":
            told = saying(ipam.servers, {side: word})
            ipam.previous[side.id] = Seen(side.id, ipam.now, tuple(told[side] or ()))
    ipam.later(minutes=15)


def silent_property(row: Row) -> None:
    ipam = fleet()
    hours = {"as A": 2, "otherwise": 1}[row["IPAM"]]
    ipam.run(saying(ipam.servers, {A: story(A, hours), B: story(B, hours)}))
    word = {"agrees": 2, "differs": 1}
    before = "never" if row["A before"] == "never" else story(A, word[row["A before"]])
    latest = "never" if row["B latest"] == "never" else story(B, word[row["B latest"]])
    open_now = {"yes": (story(A, 2), story(B, 1)), "no": None}[row["disagreement open"]]
    remembered(Past(ipam, before, latest), open_now)
    check(row, ipam, saying(ipam.servers, {A: story(A, 2), B: "unread"}))


def silent_scope(row: Row) -> None:
    ipam = fleet()
    texts = {"has it": "1 2 3", "lacks it": "1 2"}
    now = texts[row["A now"]]
    opposite = texts["lacks it" if row["A now"] == "has it" else "has it"]
    word = {"agrees": now, "differs": opposite}
    stored = texts[row["IPAM"]]
    ipam.run(saying(ipam.servers, _tell_scopes(stored, stored)))
    before = "never" if row["A before"] == "never" else story(A, has=word[row["A before"]])
    latest = "never" if row["B latest"] == "never" else story(B, has=word[row["B latest"]])
    told = {w: (story(A, has=w), story(B, has=w)) for w in texts.values()}
    b_lacks_it = latest == told[texts["lacks it"]][1]
    without = texts["lacks it"]
    open_now: tuple[Word, Word] | None = {
        "no": None,
        "disagreement": (told[now][0], told[opposite][1]),
        "absence": ("unread", told[without][1]) if b_lacks_it else (told[without][0], "unread"),
    }[row["open"]]
    remembered(Past(ipam, before, latest), open_now)
    check(row, ipam, saying(ipam.servers, {A: story(A, has=now), B: "unread"}), show_scopes=True)


def silent_existence(row: Row) -> None:
    ipam = fleet()
    if row["IPAM"] == "has":
        ipam.run(saying(ipam.servers, {A: story(A), B: story(B)}))
    else:
        assert row["IPAM"] == "none"
        ipam.run(saying(ipam.servers, {}))
    a_told: dict[str, Word] = {"never": "never", "tells": story(A), "without": None}
    b_told: dict[str, Word] = {"never": "never", "tells": story(B), "without": None}
    before, latest = a_told[row["A before"]], b_told[row["B latest"]]
    now: dict[str, Story | None] = {"tells": story(A), "without": None}
    a_has_it = row["B latest"] == "without"
    one_sided = (story(A), None) if a_has_it else (None, story(B))
    absent = ("unread", None) if a_has_it else (None, "unread")
    open_now: tuple[Word, Word] | None = {
        "no": None,
        "disagreement": one_sided,
        "absence": absent,
    }[row["open"]]
    remembered(Past(ipam, before, latest), open_now)
    check(row, ipam, saying(ipam.servers, {A: now[row["A now"]], B: "unread"}))


# --- emptiness, retirement, another partner


def emptiness(row: Row) -> None:
    readings = [[w.strip() for w in row[c].split(",")] for c in ("minutes", "A", "B")]
    assert len({len(r) for r in readings}) == 1, f"{row}: not as many readings as times"
    ipam = fleet(*([B] if "unmanaged" in row["B"] else []))
    ipam.run(_empty_words(ipam, {A: "tells", B: "tells"}))
    start = ipam.now
    *earlier, last = list(zip(*readings, strict=True))
    for when, a, b in earlier:
        ipam.now = start
        ipam.later(minutes=float(when.removeprefix("plan ")))
        told = _empty_words(ipam, {A: a, B: b})
        if when.startswith("plan "):
            ipam.plan(told)
        else:
            ipam.run(told, minutes=0)
    ipam.now = start
    ipam.later(minutes=float(last[0]))
    check(row, ipam, _empty_words(ipam, {A: last[1], B: last[2]}), show_scopes=True)


def _empty_words(ipam: Ipam, words: dict[Server, str]) -> Told:
    told: Told = {}
    for side, word in words.items():
        if not managed(ipam.servers, side):
            assert word in ("unmanaged", "tells")
            continue
        match word:
            case "unread":
                told[side] = None
            case "empty":
                told[side] = []
            case "no scopes":
                told[side] = [story(side, has="none")]
            case "tells":
                told[side] = [story(side)]
            case "without":
                told[side] = [told_by(side, C, f"Keep{side.id}", scopes=frozenset())]
            case _:
                raise AssertionError(f"unknown word {word!r}")
    return told


def other_proofs(row: Row) -> None:
    ipam = fleet()
    ipam.run(saying(ipam.servers, {A: story(A), B: story(B)}))
    (key,) = (r.key for r in ipam.records.values() if r.relationship_name == NAME)
    words: dict[Server, Word] = {}
    retired = set()
    for side, partner, word in ((A, C, row["A"]), (B, D, row["B"])):
        match word:
            case "tells":
                words[side] = story(side)
            case "without":
                words[side] = None
            case "unread":
                words[side] = "unread"
            case "elsewhere":
                words[side] = told_by(side, partner, NAME)
            case "retired":
                retired.add(side.id)
            case _:
                raise AssertionError(f"unknown word {word!r}")
    told = saying(ipam.servers, words)
    told = {s: r for s, r in told.items() if s.id not in retired}
    ipam.servers = tuple(
        replace(s, standing=Standing.RETIRED) if s.id in retired else s for s in ipam.servers
    )
    check(row, ipam, told, record=key)
