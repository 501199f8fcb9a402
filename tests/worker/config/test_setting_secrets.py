"""Settings: where the broker is, and passwords that are in files of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worker.config.test_settings import PASSWORD, config, problems
from worker.config.settings import load_settings

__all__ = ["config"]  # the fixture


@pytest.mark.parametrize(
    ("given_url", "url"),
    [
        ("redis://broker:6379/1", "redis://broker:6379/1"),
        ("rediss://broker/0?ssl_ca_certs=/ca.pem", "rediss://broker/0?ssl_ca_certs=/ca.pem"),
        ("unix:///run/valkey.sock", "redis+socket:///run/valkey.sock"),
        ("redis+socket:///run/valkey.sock", "redis+socket:///run/valkey.sock"),
    ],
)
def test_a_broker_is_redis_or_valkey_over_the_network_or_a_socket(
    config: Path, given_url: str, url: str
) -> None:
    settings = load_settings({"IPAM_SYNC_BROKER_URL": given_url}, config_file=config)
    assert settings.broker_url == url


@pytest.mark.parametrize("url", ["amqp://h", "redis:", "redis://", ""])
def test_another_broker_is_refused(config: Path, url: str) -> None:
    (problem,) = problems({"IPAM_SYNC_BROKER_URL": url}, config)
    assert "redis://host:6379/0" in problem


@pytest.mark.parametrize(
    ("name", "url", "with_password"),
    [
        ("DATABASE", "postgresql://ipam@db/ipam", "postgresql+psycopg://ipam:{}@db/ipam"),
        ("DATABASE", "postgresql:///ipam?host=/run", "postgresql+psycopg://:{}@/ipam?host=/run"),
        ("BROKER", "redis://broker:6379/0", "redis://:{}@broker:6379/0"),
        ("BROKER", "redis://sync@broker", "redis://sync:{}@broker"),
        ("BROKER", "unix:///run/valkey.sock", "redis+socket://:{}@/run/valkey.sock"),
    ],
)
def test_a_password_may_be_in_a_file_and_is_shown_nowhere(
    config: Path, name: str, url: str, with_password: str
) -> None:
    file = config.with_name("password")
    file.write_text(f"{PASSWORD}\n")
    environ = {f"IPAM_SYNC_{name}_URL": url, f"IPAM_SYNC_{name}_PASSWORD_FILE": str(file)}
    settings = load_settings(environ, config_file=config)
    quoted = PASSWORD.replace(":", "%3A").replace("@", "%40")
    assert {settings.database_url, settings.broker_url} >= {with_password.format(quoted)}
    assert not any(p in f"{settings!r} {settings.safe_database_url}" for p in (PASSWORD, quoted))


@pytest.mark.parametrize(
    ("url", "content", "said"),
    [
        ("postgresql://ipam@db/ipam", b"", "is empty"),
        ("postgresql://ipam@db/ipam", None, "cannot be read: No such file"),
        ("postgresql://ipam:other@db/ipam", b"secret", "a password in the URL too"),
        ("sqlite:////srv/ipam.db", b"secret", "an SQLite file has no password"),
        (None, b"secret", "there is no IPAM_SYNC_DATABASE_URL that it belongs to"),
    ],
)
def test_a_password_file_that_is_no_use_is_a_mistake(
    config: Path, url: str | None, content: bytes | None, said: str
) -> None:
    file = config.with_name("password")
    if content is not None:
        file.write_bytes(content)
    given_url = {} if url is None else {"IPAM_SYNC_DATABASE_URL": url}
    environ = {**given_url, "IPAM_SYNC_DATABASE_PASSWORD_FILE": str(file)}
    (problem,) = problems(environ, config)
    begin = str(file)[:40]  # a long one is shortened
    assert problem.startswith(f"IPAM_SYNC_DATABASE_PASSWORD_FILE is '{begin}")
    assert said in problem
    assert "secret" not in problem
