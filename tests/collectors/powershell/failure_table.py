"""Every way in which a poll can fail: what is wrong on the wire, and what ipam-sync makes of it.

Read by people, and row by row by ``test_failures``.  What is wrong is said in the text form of the
simulator's faults, or with the name of a function of ``circumstances`` after a +.  The
columns: by which transport it is polled ("any": all four; "ntlm": with and without TLS); the class
of the error, the layer that refused, whether trying again can help, and a part of the message.

A ! before the error says that only the deadline ended the poll.  A * after it says that the shell
stays open, for its id was never received: its idle timeout ends it.

Not in the table, for they are no failures: progress (CLIXML) or a byte order mark on standard error
(``test_client``), output in another code page (we ask for 65001, see the simulator's
``test_shells``).  A packaged script that is too long is found by the tests of the scripts.
"""

from __future__ import annotations

from dataclasses import dataclass

_TABLE = r"""
nobody there
connection refused              | refused                    | any                   | Unreachable      | address | yes | (connection refused)
the name has no address         | +no_address                | any                   | NameUnresolved   | address | no  | has no address
packets are dropped             | +dropped_packets           | plain tls basic       | Unreachable      | address | yes | (timed out)
... for longer than a poll      | +slow_packets              | plain                 | ! TimedOut       | address | yes | did not take the connection in time
accepted, never answered        | silent                     | plain basic           | ! TimedOut       | login   | yes | did not answer the logon in time
dropped before any byte         | drop                       | any                   | Unreachable      | login   | yes | hung up
... in the conversation         | drop@Command               | any                   | Unreachable      | shell   | yes | hung up
... instead of output           | drop@Receive               | any                   | Unreachable      | shell   | yes | hung up
another service at the port     | +ssh                       | plain                 | ProtocolBroken   | login   | no  | is no WinRM service

TLS
certificate expired             | expired                    | tls basic certificate | TlsFailed        | tls     | no  | has expired
certificate for another name    | wrong_name                 | tls basic certificate | TlsFailed        | tls     | no  | is not for this address
certificate self-signed         | self_signed                | tls basic certificate | TlsFailed        | tls     | no  | is self-signed
unknown authority               | unknown_authority          | tls basic certificate | TlsFailed        | tls     | no  | authority that is not trusted
no file of authorities          | +no_authorities            | tls basic             | LocalConfig      | tls     | no  | cannot be used
no usable client certificate    | +no_certificate            | certificate           | LocalConfig      | login   | no  | cannot be used
handshake never finished        | +silent_peer               | tls                   | ! TimedOut       | tls     | yes | did not finish the TLS handshake in time
hung up in the handshake        | +vanishing_peer            | tls basic             | TlsFailed        | tls     | yes | TLS connection
http: URL of a TLS port         | +http_to_tls_port          | tls                   | Unreachable      | login   | yes | hung up
https: URL of a plain port      | +https_to_http_port        | plain                 | TlsFailed        | tls     | no  | speaks no TLS
https: URL of another service   | +ssh                       | tls basic             | TlsFailed        | tls     | no  | speaks no TLS

logging on
wrong password                  | +wrong_password            | plain tls basic       | LogonRefused     | login   | no  | refuses CORP\svc-ipam
unknown user                    | +unknown_user              | plain tls basic       | LogonRefused     | login   | no  | refuses CORP\nobody
account locked or expired       | logon_refused              | any                   | LogonRefused     | login   | no  | refuses
TLS was opened on the way       | +intercepted               | tls                   | LogonRefused     | login   | no  | refuses
certificate of a stranger       | +strange_certificate       | certificate           | LogonRefused     | login   | no  | refuses the certificate
certificate of no account       | +certificate_of_nobody     | certificate           | LogonRefused     | login   | no  | refuses the certificate
certificate forbidden           | status:403                 | certificate           | LogonRefused     | login   | no  | refuses the certificate
no way to log on offered        | no_scheme                  | plain tls basic       | NoScheme         | login   | no  | (it offers: none)
only Basic offered              | only_basic                 | ntlm                  | NoScheme         | login   | no  | (it offers: basic)
only Kerberos offered           | only_kerberos              | plain tls basic       | NoScheme         | login   | no  | (it offers: kerberos)
Basic without TLS               | +http_to_tls_port          | basic certificate     | LocalConfig      | login   | no  | without TLS
NTLM without a challenge        | no_token                   | ntlm                  | ProtocolBroken   | login   | no  | sent no challenge
NTLM with junk as challenge     | junk_token                 | ntlm                  | ProtocolBroken   | login   | no  | no challenge of its protocol
NTLM answered with 200          | second_leg:200             | ntlm                  | ProtocolBroken   | login   | no  | HTTP 200 and no challenge
NTLM answered with 503          | second_leg:503             | ntlm                  | Unreachable      | login   | yes | HTTP 503
a second logon in the middle    | status:401@Receive         | any                   | ProtocolBroken   | shell   | no  | a second logon
a proxy wants a logon           | status:407                 | any                   | ProtocolBroken   | login   | no  | HTTP 407

HTTP
400                             | status:400                 | any                   | ProtocolBroken   | login   | yes | HTTP 400
403                             | status:403                 | plain tls basic       | Forbidden        | login   | no  | HTTP 403
404                             | status:404                 | any                   | ProtocolBroken   | login   | no  | HTTP 404
405                             | status:405                 | any                   | ProtocolBroken   | login   | no  | HTTP 405
411                             | status:411                 | any                   | ProtocolBroken   | login   | no  | HTTP 411
413                             | status:413                 | any                   | ProtocolBroken   | login   | no  | HTTP 413
415                             | status:415                 | any                   | ProtocolBroken   | login   | no  | HTTP 415
418, of which nobody knows      | status:418                 | any                   | ProtocolBroken   | login   | no  | HTTP 418
500 with a page                 | status:500                 | any                   | ProtocolBroken   | login   | yes | HTTP 500
500, empty (AllowUnencrypted)   | unencrypted                | any                   | ProtocolBroken   | login   | yes | HTTP 500
502                             | status:502                 | any                   | Unreachable      | login   | yes | HTTP 502
503                             | status:503                 | any                   | Unreachable      | login   | yes | HTTP 503
504                             | status:504                 | any                   | Unreachable      | login   | yes | HTTP 504
599, of which nobody knows      | status:599                 | any                   | ProtocolBroken   | login   | yes | HTTP 599
503 in the conversation         | status:503@Receive         | any                   | Unreachable      | shell   | yes | HTTP 503
redirected                      | redirect                   | any                   | ProtocolBroken   | login   | no  | redirects to http://127.0.0.1:9/wsman
... in the conversation         | redirect@Receive           | any                   | ProtocolBroken   | shell   | no  | redirects to
a captive portal                | portal                     | any                   | ProtocolBroken   | login   | no  | is no WinRM service
... in the conversation         | portal@Receive             | any                   | ProtocolBroken   | shell   | no  | is no WinRM service
500, no type, while encrypted   | no_content_type            | plain                 | ProtocolBroken   | shell   | no  | an encrypted request in plain text
500, no type, within TLS        | no_content_type            | tls basic certificate | ProtocolBroken   | shell   | yes | HTTP 500
an error page not in UTF-8      | not_utf8                   | tls basic certificate | ProtocolBroken   | shell   | no  | not UTF-8
... while encrypted             | not_utf8                   | plain                 | ProtocolBroken   | shell   | no  | an encrypted request in plain text
an empty answer                 | empty                      | any                   | ProtocolBroken   | shell   | no  | no well-formed XML
half an envelope                | truncated                  | any                   | ProtocolBroken   | shell   | no  | no well-formed XML
an envelope not in UTF-8        | bad_utf8                   | any                   | ProtocolBroken   | shell   | no  | no well-formed XML
ciphertext changed on its way   | tampered                   | plain                 | ProtocolBroken   | shell   | no  | was changed on its way
ciphertext of another length    | mis_sized                  | plain                 | ProtocolBroken   | shell   | no  | was changed on its way
an encrypted body without parts | broken_mime                | plain                 | ProtocolBroken   | shell   | no  | an encrypted message that cannot be opened
an answer changed behind TLS    | tampered                   | tls basic certificate | ProtocolBroken   | shell   | no  | no well-formed XML
dropped within an answer        | cut                        | any                   | Unreachable      | shell   | yes | hung up
... that told the shell's id    | cut@Create                 | plain                 | Unreachable *    | shell   | yes | hung up
keep-alive closed too early     | close@Create               | ntlm                  | Unreachable      | shell   | yes | hung up
a byte now and then             | drip                       | plain tls             | ! TimedOut       | shell   | yes | did not finish the script in time
no answer in the conversation   | stall@Receive              | plain tls             | ! TimedOut       | shell   | yes | did not finish the script in time

WS-Man faults (the number is the code of the fault; wmi: told as an MSFT_WmiError)
access denied                   | wsman:5                    | any                   | Forbidden        | shell   | no  | does not let it open a shell (code 5: Access is denied)
access denied, as an HRESULT    | wsman:2147942405           | any                   | Forbidden        | shell   | no  | does not let it open a shell
remote shells not allowed       | wsman:2150859180           | any                   | Forbidden        | shell   | no  | allows nobody remote shells
max shells of the user          | wsman:2150859173           | any                   | QuotaExceeded    | shell   | yes | allows no more shells
... as Server 2012 R2 tells it  | wmi:2150859173             | any                   | QuotaExceeded    | shell   | yes | allows no more shells
max operations of the user      | wsman:2150859174@Command   | any                   | QuotaExceeded    | shell   | yes | allows no more operations
... as Server 2012 R2 tells it  | wmi:2150859174@Command     | any                   | QuotaExceeded    | shell   | yes | allows no more operations
quota of the user               | wsman:2150859175           | plain                 | QuotaExceeded    | shell   | yes | has reached a limit
quota of the system             | wsman:2150859176           | plain                 | QuotaExceeded    | shell   | yes | has reached a limit
max users with shells           | wsman:2150859179           | plain                 | QuotaExceeded    | shell   | yes | allows no more users
max shells, per plug-in         | wsman:2150859236           | plain                 | QuotaExceeded    | shell   | yes | has reached a limit
plug-in quota 237               | wsman:2150859237           | plain                 | QuotaExceeded    | shell   | yes | has reached a limit
plug-in quota 238               | wsman:2150859238           | plain                 | QuotaExceeded    | shell   | yes | has reached a limit
plug-in quota 239               | wsman:2150859239           | plain                 | QuotaExceeded    | shell   | yes | has reached a limit
max operations, per plug-in     | wsman:2150859240           | plain                 | QuotaExceeded    | shell   | yes | has reached a limit
plug-in quota 241               | wsman:2150859241           | plain                 | QuotaExceeded    | shell   | yes | has reached a limit
plug-in quota 242               | wsman:2150859242           | plain                 | QuotaExceeded    | shell   | yes | has reached a limit
wsman:QuotaLimit                | wsman:2150858815           | plain                 | QuotaExceeded    | shell   | yes | has reached a limit
operation timeout of Create     | wsman:2150858793           | any                   | TimedOut         | shell   | yes | gave up the request as too slow
operation timeout of Command    | wsman:2150858793@Command   | any                   | TimedOut         | shell   | yes | gave up the request as too slow
... of each Receive, at once    | wsman:2150858793@Receive   | any                   | ProtocolBroken   | shell   | no  | without telling anything
... of each Receive, in time    | hang                       | plain                 | ! TimedOut       | shell   | yes | did not finish the script in time
the shell was killed            | killed                     | any                   | ProtocolBroken   | shell   | yes | no longer knows the shell
... before the command          | killed@Command             | any                   | ProtocolBroken   | shell   | yes | no longer knows the shell
out of memory                   | wsman:2147942414           | any                   | QuotaExceeded    | shell   | yes | ran out of memory
command line too long           | wsman:2147942606@Command   | any                   | ScriptFailed     | shell   | no  | command line is too long
file not found                  | wsman:2147942402@Command   | any                   | ScriptFailed     | shell   | no  | did not find powershell.exe
invalid parameter               | wsman:87@Receive           | any                   | ProtocolBroken   | shell   | no  | did not understand the request
against the schema              | wsman:2150858817           | any                   | ProtocolBroken   | shell   | no  | did not understand the request
header not understood           | wsman:2150858767           | any                   | ProtocolBroken   | shell   | no  | did not understand the request
envelope too large              | wsman:2150858790@Command   | any                   | ProtocolBroken   | shell   | no  | the envelope is too large
a fault that nobody knows       | wsman:99                   | any                   | ProtocolBroken   | shell   | yes | a fault that we do not know (99:

answers that lack something
no ShellId                      | no_shell_id                | plain tls             | ProtocolBroken * | shell   | no  | without ShellId
no CommandId                    | no_command_id              | any                   | ProtocolBroken   | shell   | no  | without CommandId
no CommandState                 | no_state                   | any                   | ProtocolBroken   | shell   | no  | without the state of the command
no ExitCode                     | no_exit_code               | any                   | ProtocolBroken   | shell   | no  | without ExitCode
no RelatesTo                    | no_relates_to              | any                   | ProtocolBroken   | shell   | no  | without RelatesTo
RelatesTo of another request    | wrong_relates_to           | any                   | ProtocolBroken   | shell   | no  | answered another request
output that is no base64        | bad_base64                 | any                   | ProtocolBroken   | shell   | no  | not valid base64

the script
it never ends                   | +endless                   | plain                 | ! TimedOut       | shell   | yes | did not finish the script in time
a few bytes with each Receive   | many_receives +long_output | plain                 | ! TimedOut       | shell   | yes | did not finish the script in time
it prints without end           | +torrent                   | any                   | ProtocolBroken   | shell   | no  | printed more than 64 KiB
it breaks off                   | +broken_off                | any                   | ScriptFailed     | shell   | no  | (exit code 1): Zugriff verweigert
it prints errors only           | +errors_only               | any                   | ScriptFailed     | shell   | no  | (exit code 0): Zugriff verweigert
killed for its memory           | +out_of_memory             | any                   | ScriptFailed     | shell   | yes | OutOfMemoryException
too long for cmd.exe            | +too_long                  | any                   | ScriptFailed     | shell   | no  | The command line is too long
"""

_WAYS = {
    "any": ("plain", "tls", "basic", "certificate"),
    "ntlm": ("plain", "tls"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table, for one of its transports."""

    failure: str
    way: str
    faults: tuple[str, ...]
    circumstances: tuple[str, ...]
    error: str
    by_deadline: bool
    left_open: bool
    layer: str
    retry: bool
    says: str

    def __str__(self) -> str:
        return f"{self.failure}, {self.way}"


def rows() -> list[Row]:
    """All of them; a name that begins with dots goes on with the one before it."""
    found: list[Row] = []
    before = ""
    for line in filter(None, _TABLE.splitlines()):
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 1:  # a heading
            continue
        failure, wrong, ways, error, layer, retry, says = cells
        whole = failure.replace("...", before, 1)
        before = before if failure.startswith("...") else failure
        words = wrong.split()
        found += (
            Row(
                failure=whole,
                way=way,
                faults=tuple(word for word in words if not word.startswith("+")),
                circumstances=tuple(word[1:] for word in words if word.startswith("+")),
                error=error.strip("!* "),
                by_deadline=error.startswith("!"),
                left_open=error.endswith("*"),
                layer=layer,
                retry={"yes": True, "no": False}[retry],
                says=says,
            )
            for way in _WAYS.get(ways, tuple(ways.split()))
        )
    return found
