"""Credentials for people and for programs: who servers are asked as, never a secret."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from worker.model.credentials import CredentialView
from worker.views.operations import Json
from worker.views.screen import Screen
from worker.views.text import iso, moment


def credential_json(view: CredentialView, names: Mapping[int, str]) -> Json:
    """Return a credential for ``credentials list --json``. ``names`` are those of servers."""
    credential = view.credential
    return {
        "name": credential.name,
        "username": credential.username,
        "password_env": credential.password_env,
        "password_file": credential.password_file,
        "certificate": credential.certificate_file,
        "key": credential.key_file,
        "servers": view.servers,
        "refused_by": _refused_by(view, names),
        "accepted_at": iso(view.accepted_at),
        "suspended_at": iso(view.suspended_at),
    }


def show_credentials(
    screen: Screen, views: Iterable[CredentialView], names: Mapping[int, str]
) -> None:
    """Show one row for each credential."""
    columns = ("credential", "user", "secret", "servers", "state", "refused by")
    rows = (
        (
            view.credential.name,
            view.credential.username or "by certificate",
            _secret(view),
            str(view.servers),
            "in use" if view.suspended_at is None else f"suspended {moment(view.suspended_at)}",
            _refused_by(view, names),
        )
        for view in views
    )
    screen.table(columns, rows)


def _refused_by(view: CredentialView, names: Mapping[int, str]) -> list[str]:
    return [names.get(server, f"#{server}") for server in view.refused_by]


def _secret(view: CredentialView) -> str:
    """Return where the secret of a credential is kept."""
    credential = view.credential
    if credential.password_env is not None:
        return f"variable {credential.password_env}"
    return credential.password_file or credential.certificate_file or "Kerberos ticket"
