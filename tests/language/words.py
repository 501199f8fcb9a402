"""The words that the figures of the language rest on."""

from __future__ import annotations

import re
from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Openings of a docstring that cannot be read without what stands before it.
_PRONOUN_OR_CLAUSE: Final = re.compile(
    r"^(?:The same|It|They|Those|These|This|Who|Whom|Whose|Whoever|What|One|Somebody|Nobody|So|Of|As)\b"
)

#: Names that no noun stands in: participles, pronouns, adverbs, adjectives.
_WITHOUT_NOUN: Final = _words(
    """
    told tell tells said says say known know knows found find seen see sees looked heard asked
    ask wanted want wants waiting waits waits_for there now then again over gone left kept keep
    done given taken taken_up made one other others both more most first last own every each
    everybody nobody somebody what who why where when how still back away about beside near
    here together ahead before after since until meant named showed shown about_all elsewhere
    opened closed began ended begun fresh young free busy loud quiet odd sure few several same
    alike apart alone
    """
)

#: Base forms that name an act of a program or of a person who uses it, and are hardly ever a noun or
#: an adjective at the head of a sentence. States (be, have, know, see) are no acts.
VERBS: Final = _words(
    """
    abandon accept acknowledge acquire activate adapt add adjust adopt advance agree align
    allocate allow announce answer append apply approve arrange ask assemble assert assign
    assume attach avoid await balance begin bind block break bring build bypass calculate call
    cancel capture carry catch check choose clone collapse collect combine compare compile
    compose compute conclude configure confirm connect consume continue convert copy correct
    cover create cut decide declare decline decode decorate decrease decrypt deduce defer
    define delay delete deliver demand deny deregister derive describe detach detect determine
    disable discard discover dismiss dispatch display distinguish divide do download draw drop
    embed emit emulate enable encode encrypt enforce enlist enqueue ensure enter enumerate
    escape establish evaluate evict examine exclude execute expand expect expire explain expose
    express extend fail feed fetch fill find finish fire fix flush fold follow forbid force
    forget fork forward freeze gather generate get give go grant grow guess halt hand handle
    hash help hide hold identify ignore imitate import include increase increment infer inform
    inherit initialise insert inspect install instantiate intercept interpret interrupt
    introduce invalidate invent invert invite invoke iterate join judge keep kill launch learn
    leave let lift listen load locate look lower make map mask match measure memorise merge
    migrate modify move mute nest normalise notice notify observe obtain offer omit override
    overwrite parse partition pass patch pay perform permit persist pick pin place play poll
    populate postpone prefer prepare present preserve pretend prevent print produce prompt
    propagate prove provide prune publish pull purge push put quote raise reach read rebuild
    receive recognise recompute reconcile recover redact redirect reduce refill reflect refresh
    refuse register reject release reload rely remember remind remove rename render renew
    reopen reorder repair replace replay reply require reserve reset resolve respond restart
    restore resume retain retire retrieve retry return reuse reveal reverse revise revoke
    rewrite roll rotate round run sanitise save say scan scrape seal search seed seek select
    send serialise serve settle share shield shift shorten show shuffle shut simulate skip
    sleep solve sort spawn specify spell spend split spread stall start stay step stop strip
    submit subscribe substitute subtract suggest supersede supervise supply suppress suspend
    swap sweep switch synchronise take tally tell terminate test think throttle throw tidy
    toggle tolerate touch track transform translate treat trim truncate trust try turn undo
    unify unlock unpack unsubscribe update upgrade use validate vary verify wait wake walk warn
    watch weigh widen withdraw work wrap write yield
    """
)

#: Base forms that are nouns as often: "Report an error", but "Report of a run".
ALSO_NOUNS: Final = _words(
    """
    attempt audit cache change claim command commit contact count delegate document dump end
    estimate extract filter format group guard guide index label limit link list lock log mark
    name note number order page pair pause ping plan post probe process queue rank record
    repeat report request result review route rule sample scale schedule set sign sketch state
    store stream sum summary tag title trace trigger value
    """
)
_AFTER_A_NOUN: Final = _words("for from in with at on by to")
#: Behind any word these make a noun of it: "Start of the run", "Use is counted".
_AFTER_ANY_NOUN: Final = _words("of is are was were has")

#: Base forms that are adjectives as often: "Open a run", but "Open problems of a server".
ALSO_ADJECTIVES: Final = _words("clean clear close complete empty free open separate")
_BEFORE_A_NOUN: Final = _words(
    """
    a an the each every all any both no this that these those its it them one two what which
    """
)

_OPENING: Final = re.compile(r"(?P<first>[A-Z][a-z]+)\b(?P<stop>[.,:;]?)\s*(?P<next>`|\w*)")


def begins_with_pronoun_or_clause(docstring: str) -> bool:
    """Return whether the first words refer to something that the docstring does not name."""
    return _PRONOUN_OR_CLAUSE.match(docstring) is not None


def begins_with_verb(docstring: str) -> bool:
    """Return whether the first word is the base form of a verb.

    A word that is a noun, too, is taken for one before a preposition and alone.
    A word that is an adjective, too, is a verb only before an article, a pronoun or a quoted name.
    """
    opening = _OPENING.match(docstring)
    if opening is None or opening["next"] in _AFTER_ANY_NOUN:
        return False
    word, following = opening["first"].lower(), opening["next"]
    if word in ALSO_ADJECTIVES:
        return not opening["stop"] and (following == "`" or following in _BEFORE_A_NOUN)
    if word in ALSO_NOUNS:
        return not opening["stop"] and following != "" and following not in _AFTER_A_NOUN
    return word in VERBS


def has_no_noun(name: str) -> bool:
    """Return whether a name says how a value came about, or how much of it there is, but not what it is."""
    return name.strip("_") in _WITHOUT_NOUN
