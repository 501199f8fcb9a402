"""Bad days on the wire: what a WinRM service can do wrong, in one text form.

``KIND[:ARGUMENT][@VERB][*TIMES]``, such as ``status:503``, ``wsman:2150859173@Create``, ``drip`` or
``drop@Receive*1``.  Used by tests, fleet files and ``ipam-sync simulate set``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Fault(StrEnum):
    """Kinds of faults. The value is the word in the text form."""

    # nobody there
    REFUSED = "refused"
    SILENT = "silent"
    DROP = "drop"
    # TLS
    EXPIRED = "expired"
    WRONG_NAME = "wrong_name"
    SELF_SIGNED = "self_signed"
    UNKNOWN_AUTHORITY = "unknown_authority"
    # logging on
    LOGON_REFUSED = "logon_refused"
    NO_SCHEME = "no_scheme"
    ONLY_BASIC = "only_basic"
    ONLY_KERBEROS = "only_kerberos"
    NO_TOKEN = "no_token"  # noqa: S105  # a word, no secret
    JUNK_TOKEN = "junk_token"  # noqa: S105  # a word, no secret
    SECOND_LEG = "second_leg"
    # HTTP
    STATUS = "status"
    UNENCRYPTED = "unencrypted"
    REDIRECT = "redirect"
    PORTAL = "portal"
    NO_CONTENT_TYPE = "no_content_type"
    NOT_UTF8 = "not_utf8"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    BAD_UTF8 = "bad_utf8"
    TAMPERED = "tampered"
    MIS_SIZED = "mis_sized"
    BROKEN_MIME = "broken_mime"
    CUT = "cut"
    CLOSE = "close"
    DRIP = "drip"
    STALL = "stall"
    # WS-Man
    WSMAN = "wsman"
    WMI = "wmi"
    NO_SHELL_ID = "no_shell_id"
    NO_COMMAND_ID = "no_command_id"
    NO_EXIT_CODE = "no_exit_code"
    NO_STATE = "no_state"
    NO_RELATES_TO = "no_relates_to"
    WRONG_RELATES_TO = "wrong_relates_to"
    BAD_BASE64 = "bad_base64"
    HANG = "hang"
    MANY_RECEIVES = "many_receives"
    KILLED = "killed"


#: Verbs of the dialogue that a fault can be bound to.
VERBS: Final = ("Create", "Command", "Send", "Receive", "Signal", "Delete")

#: Those that happen to a connection, before there is any request.
_CONNECTION: Final = frozenset(
    {
        *(Fault.REFUSED, Fault.SILENT, Fault.EXPIRED, Fault.WRONG_NAME, Fault.SELF_SIGNED),
        *(Fault.UNKNOWN_AUTHORITY, Fault.LOGON_REFUSED, Fault.NO_SCHEME, Fault.ONLY_BASIC),
        *(Fault.ONLY_KERBEROS, Fault.NO_TOKEN, Fault.JUNK_TOKEN, Fault.SECOND_LEG),
    }
)
#: The verb of those that happen in the dialogue only, unless another is named.
_VERB: Final = {
    Fault.NO_SHELL_ID: "Create",
    Fault.NO_COMMAND_ID: "Command",
    Fault.NO_EXIT_CODE: "Receive",
    Fault.NO_STATE: "Receive",
    Fault.BAD_BASE64: "Receive",
    Fault.HANG: "Receive",
    Fault.MANY_RECEIVES: "Receive",
    Fault.KILLED: "Receive",
    Fault.DRIP: "Receive",
    **dict.fromkeys((Fault.WSMAN, Fault.WMI), "Create"),
    **dict.fromkeys(
        (
            *(Fault.EMPTY, Fault.TRUNCATED, Fault.BAD_UTF8, Fault.TAMPERED, Fault.MIS_SIZED),
            *(Fault.BROKEN_MIME, Fault.CUT, Fault.CLOSE, Fault.NO_CONTENT_TYPE, Fault.NOT_UTF8),
            *(Fault.NO_RELATES_TO, Fault.WRONG_RELATES_TO),
        ),
        "Receive",
    ),
}
#: These faults mean nothing without a code.
_NUMBER_NEEDED: Final = frozenset({Fault.STATUS, Fault.WSMAN, Fault.WMI, Fault.SECOND_LEG})
#: The text form: a kind, with a number and conditions if it has them.
_TEXT: Final = re.compile(
    r"(?P<kind>[a-z0-9_]+)(?::(?P<argument>[0-9]{1,10}))?(?:@(?P<verb>[A-Za-z]+))?"
    r"(?:\*(?P<times>[1-9][0-9]{0,8}))?"
)


class BadFault(ValueError):
    """A text that is no fault. The message is one sentence."""


@dataclass(slots=True)
class Injection:
    """A fault at work: at requests of ``verb`` (None: the first that can), so many ``times``."""

    kind: Fault
    argument: int | None = None
    verb: str | None = None
    times: int | None = None

    def __str__(self) -> str:
        argument = "" if self.argument is None else f":{self.argument}"
        verb = "" if self.verb is None else f"@{self.verb}"
        times = "" if self.times is None else f"*{self.times}"
        return f"{self.kind}{argument}{verb}{times}"


def injection(text: str) -> Injection:
    """The fault in the text form. Raises BadFault."""
    match = _TEXT.fullmatch(text.strip())
    words = ", ".join(Fault)
    if match is None or match["kind"] not in set(Fault):
        raise BadFault(
            f"{text!r} is no fault: write KIND[:NUMBER][@VERB][*TIMES], KIND one of {words}."
        )
    kind = Fault(match["kind"])
    argument = None if match["argument"] is None else int(match["argument"])
    verb, times = match["verb"], match["times"]
    if (argument is not None) != (kind in _NUMBER_NEEDED):
        needs = "needs a number, such as" if argument is None else "takes no number:"
        raise BadFault(f"{kind} {needs} {kind}{':503' if argument is None else ''}.")
    if verb is not None and (verb not in VERBS or kind in _CONNECTION):
        raise BadFault(
            f"{kind} happens to a connection, not to a verb."
            if kind in _CONNECTION
            else f"{verb!r} is none of {', '.join(VERBS)}."
        )
    verb = _VERB.get(kind) if verb is None else verb
    return Injection(kind, argument, verb, None if times is None else int(times))


class Faults:
    """The faults of a service. They change at run time, and its connections take them."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._injections = [injection(text) for text in texts]

    @property
    def texts(self) -> tuple[str, ...]:
        """In their text form."""
        return tuple(map(str, self._injections))

    def set(self, *texts: str) -> None:
        """Replace all faults. Raises BadFault, and then changes nothing."""
        self._injections = [injection(text) for text in texts]

    def take(self, kinds: Collection[Fault], verb: str | None = None) -> Injection | None:
        """The first of these kinds that is at work here, counted as having happened once.

        ``verb`` None asks for those that wait for no verb.
        """
        for injected in self._injections:
            if injected.kind in kinds and injected.verb == verb:
                if injected.times is not None:
                    injected.times -= 1
                    if injected.times == 0:
                        self._injections.remove(injected)
                return injected
        return None

    def has(self, kind: Fault) -> bool:
        """True if it is at work, whatever the verb."""
        return any(injected.kind is kind for injected in self._injections)
