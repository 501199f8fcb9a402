from __future__ import annotations

import pytest

from collectors.powershell.nthash import as_hashes, md4


@pytest.mark.parametrize(
    ("message", "digest"),
    [
        (b"", "31d6cfe0d16ae931b73c59d7e0c089c0"),
        (b"abc", "a448017aaf21d8525fc10ae87aa6729d"),
        (b"message digest", "d9130a8164549fe818874806e1c7014b"),
        (b"abcdefghijklmnopqrstuvwxyz", "d79e1c308aa5bbcdeea8ed63df412da9"),
        (b"1234567890" * 8, "e33b4ddc9c38f2199c3e7b164fcc0536"),
    ],
)
def test_md4_gives_the_digests_of_rfc_1320(message: bytes, digest: str) -> None:
    assert md4(message).hex() == digest


def test_a_password_is_handed_on_as_its_nt_hash_without_an_lm_hash() -> None:
    lm_hash, nt_hash = as_hashes("password").split(":")
    assert lm_hash == "0" * 32
    assert nt_hash == "8846f7eaee8fb117ad06bdd830b7586c"
