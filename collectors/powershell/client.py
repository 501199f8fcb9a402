"""Run a packaged script on a host over WinRM, leave nothing behind there, and end in time."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from collectors.powershell import clixml, nthash, tls
from collectors.powershell.attempt import Attempt
from collectors.powershell.causes import explained
from collectors.powershell.conversation import Conversation, ConversationEndpoint, arguments
from collectors.powershell.deadline import Deadline
from collectors.powershell.errors import Layer, LocalConfig, ScriptFailed
from collectors.powershell.host import Host, Login, Output, PollLimits, Transport
from collectors.powershell.logons import BookUnavailable, CredentialSuspended, Logons
from collectors.powershell.route import route
from collectors.powershell.shell import RemoteShell
from collectors.scripts import Script

#: What deleting a shell may take after a poll failed, or after its deadline.
CLEANUP_SECONDS: Final = 5.0


class PowerShell:
    """A client that polls servers. It is thread-safe and keeps nothing between two polls.

    ``trust`` holds the trusted certificates. ``logons`` keeps a wrong password from locking an
    account out.
    """

    def __init__(self, trust: ssl.SSLContext, limits: PollLimits, logons: Logons) -> None:
        self._trust = trust
        self._limits = limits
        self._logons = logons
        # Guards the polls in progress and the caches. It is never held while waiting for a server.
        self._lock = threading.Lock()
        self._polls: set[Deadline] = set()
        self._stopped = False
        self._contexts: dict[Login, ssl.SSLContext] = {}
        self._hashes: dict[str, str] = {}

    def run(self, script: Script, host: Host) -> Output:
        """Return the output of ``script`` on ``host``. Its exit code is 0.

        Raises:
            PollError: one of ``collectors.powershell.errors``, whatever went wrong.
            CredentialSuspended: no proof of the credential was sent (rule R13).
            BookUnavailable: our own trouble, which says nothing about the host.
        """
        self._logons.check(host.login.name)
        with self._poll() as deadline:
            attempt = Attempt(host, deadline)
            try:
                output = self._ask(script, attempt)
            except (CredentialSuspended, BookUnavailable):
                raise
            except Exception as error:
                ours = explained(error, attempt)
                if ours is error:
                    raise
                raise ours from error
        _judge(output, host)
        return output

    def stop(self) -> None:
        """End every poll now, and refuse later ones. Shells are still deleted (a few seconds)."""
        with self._lock:
            self._stopped = True
            for deadline in self._polls:
                deadline.end()
        self._logons.wake()

    @contextmanager
    def _poll(self) -> Iterator[Deadline]:
        with Deadline(self._limits.deadline_seconds) as deadline:
            with self._lock:
                self._polls.add(deadline)
                # Checked under the lock of `stop`, so that no poll slips through while it runs.
                if self._stopped:
                    deadline.end()
            try:
                yield deadline
            finally:
                with self._lock:
                    self._polls.discard(deadline)

    def _ask(self, script: Script, attempt: Attempt) -> Output:
        way = self._way(attempt)
        with Conversation(way, attempt) as conversation:
            shell = RemoteShell(conversation, self._limits)
            try:
                return shell.output(script.command, script.arguments)
            finally:
                self._delete(shell, way, conversation)

    def _way(self, attempt: Attempt) -> ConversationEndpoint:
        host = attempt.host
        protocol_arguments = arguments(host, self._secret(host))
        try:
            network_route = route(host.url, attempt.deadline)
        except ValueError as error:
            raise LocalConfig(
                f"{host.name}: it was not asked, for its WinRM URL names no host or no port.",
                "Correct the inventory file and import it.",
                layer=Layer.ADDRESS,
            ) from error
        return ConversationEndpoint(
            network_route,
            protocol_arguments,
            self._context(host),
            self._logons,
            self._limits.connect_seconds,
        )

    def _delete(
        self, shell: RemoteShell, way: ConversationEndpoint, conversation: Conversation
    ) -> None:
        """Best effort: what the poll brought counts more, and the shell has an idle timeout."""
        if conversation.intact and conversation.attempt.deadline.extend(CLEANUP_SECONDS):
            with suppress(Exception):  # tried again below, in another conversation
                shell.delete(conversation, CLEANUP_SECONDS)
                return
        with suppress(Exception), Deadline(CLEANUP_SECONDS) as deadline:
            attempt = Attempt(conversation.attempt.host, deadline)
            with Conversation(way, attempt) as another:
                shell.delete(another, CLEANUP_SECONDS)

    def _secret(self, host: Host) -> str | None:
        password = host.login.password
        if password is None or host.transport is not Transport.NTLM:
            return password
        if password not in self._hashes:
            self._hashes[password] = nthash.as_hashes(password)
        return self._hashes[password]

    def _context(self, host: Host) -> ssl.SSLContext | None:
        if not host.url.startswith("https:"):
            return None
        if host.transport is not Transport.CERTIFICATE:
            return self._trust
        with self._lock:
            if host.login not in self._contexts:
                self._contexts[host.login] = tls.with_certificate(self._trust, host)
            return self._contexts[host.login]


def _judge(output: Output, host: Host) -> None:
    """Raises ScriptFailed unless the script came to its end, or at least printed and exited 0."""
    if output.exit_code == 0 and (output.stdout.strip() or not output.stderr.strip()):
        return
    error_text = clixml.beginning(output.stderr) or "nothing on standard error"
    exhausted = "OutOfMemoryException" in error_text
    raise ScriptFailed(
        f"{host.name}: PowerShell did not run the script"
        f" (exit code {output.exit_code}): {error_text.rstrip('.')}.",
        "Look at the memory of the server, and at MaxMemoryPerShellMB in winrm/config/winrs."
        if exhausted
        else "Run powershell.exe -NoProfile as this account on that server and mend what it says.",
        retry=exhausted,
    )
