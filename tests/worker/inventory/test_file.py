"""The inventory file: what it may say, and how somebody learns all that is wrong with it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.inventory.file import (
    Inventory,
    InventoryError,
    InventoryServer,
    parse_inventory,
    read_inventory,
)
from worker.model.credentials import Credential
from worker.model.servers import Endpoint

FILE = Path("servers.yaml")


def parsed(text: str) -> Inventory:
    return parse_inventory(text.encode(), FILE)


def problems(text: str) -> list[str]:
    with pytest.raises(InventoryError) as raised:
        parsed(text)
    assert str(raised.value) == "\n".join(raised.value.problems)
    return [problem.removeprefix("servers.yaml, ") for problem in raised.value.problems]


def server(**keys: str) -> str:
    """A file of one server; the values are YAML."""
    keys = {"name": "dhcp01"} | keys
    return "servers:\n  - {" + ", ".join(f"{k}: {v}" for k, v in keys.items()) + "}"


def test_everything_that_the_format_has_is_read() -> None:
    inventory = parsed(
        r"""
        credentials:
          corp: {username: 'CORP\svc-ipam', password_env: IPAM_CORP_PASSWORD}
          lab: {username: svc, password_file: /run/secrets/lab}
        servers:
          - name: dhcp01.corp.example
            addresses: [10.0.0.11, '2001:DB8::0011']
            aliases: [dhcp-old]
            tags: [Site:Vienna, lab, LAB]
            winrm:
              url: https://dhcp01.corp.example:5986/wsman
              transport: ntlm
              credential: corp
          - name: dhcp02.corp.example
        """
    )
    assert inventory == Inventory(
        credentials=(
            Credential("corp", r"CORP\svc-ipam", password_env="IPAM_CORP_PASSWORD"),  # noqa: S106 - a name
            Credential("lab", "svc", password_file="/run/secrets/lab"),  # noqa: S106 - a path
        ),
        servers=(
            InventoryServer(
                "dhcp01.corp.example",
                ("10.0.0.11", "2001:db8::11"),
                ("dhcp-old",),
                Endpoint("https://dhcp01.corp.example:5986/wsman", "ntlm", "corp"),
                ("lab", "site:vienna"),
            ),
            InventoryServer("dhcp02.corp.example"),
        ),
    )


def test_names_lose_the_dot_of_the_root_and_keep_their_spelling() -> None:
    (one,) = parsed(server(name="DHCP01.Corp.Example.", aliases="[Old.]")).servers
    assert (one.name, one.aliases) == ("DHCP01.Corp.Example", ("Old",))


@pytest.mark.parametrize("name", ["no", "007", "1e3", "2026-01-01", "0x1F", "null-1"])
def test_a_name_that_looks_like_something_else_is_still_a_name(name: str) -> None:
    assert parsed(server(name=name)).servers[0].name == name


def test_a_key_without_a_value_is_as_good_as_absent() -> None:
    text = "credentials:\nservers:\n  - name: a\n    addresses:\n    aliases: ~\n    winrm:\n"
    assert parsed(text) == Inventory((), (InventoryServer("a"),))


def test_an_empty_list_of_other_names_is_allowed() -> None:
    (one,) = parsed(server(addresses="[]", aliases="[]", winrm="{}")).servers
    assert one == InventoryServer("dhcp01")


@pytest.mark.parametrize("tag", ["-x", "a b", "x" * 65, "über", "a*", "a\u202e"])
def test_a_tag_is_a_plain_word(tag: str) -> None:
    (problem,) = problems(server(tags=f"['{tag}']"))
    assert problem.startswith("line 2: servers[0].tags[0] ")
    assert "is no tag: letters, digits and . _ : / - only" in problem


def test_no_tags_are_something_else_than_nothing_said_of_them() -> None:
    assert [parsed(server(tags=t)).servers[0].tags for t in ("[]", "[a]")] == [(), ("a",)]
    assert parsed(server()).servers[0].tags is None


def test_a_block_can_be_used_twice() -> None:
    text = "servers: [{name: a, winrm: &w {transport: kerberos}}, {name: b, winrm: *w}]"
    assert {s.endpoint for s in parsed(text).servers} == {Endpoint(transport="kerberos")}


def test_all_that_is_wrong_is_told_at_once_from_top_to_bottom() -> None:
    found = problems(
        """\
credentials:
  corp: {username: svc, password: hunter2}
servers:
  - name: dhcp01
    winrm:
      ulr: https://dhcp01:5986/wsman
      credential: crop
  - addresses: [10.0.0.300]
  - dhcp03
"""
    )
    assert found == [
        "line 2: credentials.corp.password is no key of this format; did you mean password_env?",
        "line 6: servers[0].winrm.ulr is no key of this format; did you mean url?",
        "line 7: servers[0].winrm.credential 'crop' is no credential; did you mean corp?",
        "line 8: servers[1] needs a name.",
        "line 8: servers[1].addresses[0] '10.0.0.300' is no IPv4 or IPv6 address.",
        "line 9: servers[2] must be a table of keys and values.",
    ]


@pytest.mark.parametrize("second", ["dhcp01.corp.example", "DHCP01.CORP.example."])
def test_a_name_is_there_once_whatever_its_spelling(second: str) -> None:
    assert problems(f"servers:\n- name: dhcp01.corp.example\n- name: {second}\n") == [
        f"line 3: servers[1] has the name of servers[0] in line 2: {second.rstrip('.')}."
    ]


def test_a_key_is_there_once() -> None:
    text = "servers:\n  - name: a\n    winrm: {transport: ntlm}\n    winrm: {transport: basic}\n"
    assert problems(text) == ["line 4: servers[0].winrm is there twice."]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("''", "must be a text."),
        ("[a]", "must be a text."),
        (".", "is empty."),
        ("a" * 256, "is longer than 255 characters."),
        ("../etc/passwd", "has '/', which cannot be in a file's name."),
        (r"CORP\dhcp01", r"has '\\', which cannot be in a file's name."),
        ("dhcp 01", "has a blank or invisible character (U+0020)."),
        (r'"dhcp\n01"', "has a blank or invisible character (U+000A)."),
        (r'"dhcp\e[31m"', "has a blank or invisible character (U+001B)."),
        (r'"dhcp\u202E01"', "has a blank or invisible character (U+202E)."),
    ],
)
def test_a_name_can_be_a_file_name_and_be_printed(name: str, problem: str) -> None:
    assert problems(server(name=name)) == [f"line 2: servers[0].name {problem}"]
    assert problems(server(aliases=f"[{name}]")) == [f"line 2: servers[0].aliases[0] {problem}"]


def test_the_longest_name_is_allowed() -> None:
    assert parsed(server(name="a" * 255 + ".")).servers[0].name == "a" * 255


@pytest.mark.parametrize("address", ["dhcp01", "10.0.0.0/24", "10.0.0", "'fe80::1::'"])
def test_an_address_is_a_literal(address: str) -> None:
    (problem,) = problems(server(addresses=f"[{address}]"))
    assert problem.endswith("is no IPv4 or IPv6 address.")


@pytest.mark.parametrize("transport", ["ntlm", "basic", "certificate", "kerberos"])
def test_every_transport_may_go_over_tls(transport: str) -> None:
    (one,) = parsed(server(winrm=f"{{url: 'https://a', transport: {transport}}}")).servers
    assert one.endpoint == Endpoint("https://a", transport)


@pytest.mark.parametrize("transport", ["basic", "certificate"])
def test_what_would_give_a_secret_away_is_refused_over_plain_http(transport: str) -> None:
    assert problems(server(winrm=f"{{url: 'http://a', transport: {transport}}}")) == [
        (
            f"line 2: servers[0].winrm.url must begin with https: {transport} is not safe over plain "
            "http."
        )
    ]


def test_an_unknown_transport_is_told_with_those_there_are() -> None:
    assert problems(server(winrm="{transport: NTLM}")) == [
        ("line 2: servers[0].winrm.transport 'NTLM' is none of ntlm, basic, certificate, kerberos.")
    ]


def test_credssp_is_refused_with_the_reason_and_what_to_use_instead() -> None:
    assert problems(server(winrm="{transport: credssp}")) == [
        (
            "line 2: servers[0].winrm.transport 'credssp' is not supported: it hands the password "
            "to every server, and the limits that keep an account from being locked out do not "
            "hold for it. Use ntlm."
        )
    ]


@pytest.mark.parametrize(
    "url",
    [
        "dhcp01",
        "ftp://a",
        "https://",
        "https://a:0",
        "https://a:99999",
        "https://[::1",
        "http s://a",
    ],
)
def test_a_winrm_url_is_a_web_address(url: str) -> None:
    (problem,) = problems(server(winrm=f'{{url: "{url}"}}'))
    assert problem.startswith("line 2: servers[0].winrm.url is no URL; write it like https://")


@pytest.mark.parametrize(
    "text",
    [
        server(winrm="{url: 'https://svc:hunter2@dhcp01:5986/wsman'}"),
        server(winrm="{url: 'https://dhcp01/wsman?password=hunter2'}"),
        server(winrm="{url: 'hunter2'}"),
        "credentials: {corp: {username: svc, password_env: 'hunter2!'}}\n" + server(),
        "credentials: {corp: {username: svc, password: hunter2}}\n" + server(),
    ],
)
def test_a_password_in_the_wrong_place_is_refused_and_not_repeated(text: str) -> None:
    assert "hunter2" not in "".join(problems(text))


def test_a_password_comes_from_one_place() -> None:
    both = "password_env: A, password_file: b"
    text = f"credentials: {{corp: {{username: svc, {both}}}}}\n" + server()
    assert problems(text) == [
        "line 1: credentials.corp needs one of password_env and password_file, and not both."
    ]


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "~"])
def test_an_empty_file_says_what_is_missing(text: str) -> None:
    assert problems(text) == ["servers.yaml is empty: it needs at least servers."]


@pytest.mark.parametrize("text", ["servers: []", "servers:", "{}", "credentials: {}"])
def test_an_inventory_without_servers_is_a_mistake(text: str) -> None:
    assert problems(text) == ["line 1: the file lists no servers."]


@pytest.mark.parametrize(
    ("raw", "start"),
    [
        (b"PK\x03\x04\x00\x00", "servers.yaml is not text: "),
        (b"\xff\xfe\x00", "servers.yaml is not text: "),
        (b"servers:\n\t- name: a", "servers.yaml is not YAML, line 2: "),
        (b"servers: *missing", "servers.yaml is not YAML, line 1: "),
        (b"a: 1\n---\nb: 2", "servers.yaml is not YAML, line 2: "),
        (b"[" * 100_000, "servers.yaml is nested more than 20 levels deep."),
        (b"#" * 10_000_001, "servers.yaml is larger than 10 MB"),
        (b"- servers", "servers.yaml, line 1: the file must be a table"),
        (b"servers: &a [*a]", "servers.yaml, line 1: servers[0] must be a table"),
    ],
)
def test_a_file_that_is_no_inventory_is_told_in_one_sentence(raw: bytes, start: str) -> None:
    with pytest.raises(InventoryError) as raised:
        parse_inventory(raw, FILE)
    (problem,) = raised.value.problems
    assert problem.startswith(start)


def test_tags_construct_nothing() -> None:
    assert parsed(server(name="!!python/name:os.system dhcp01")).servers[0].name == "dhcp01"


def test_a_file_is_read_with_or_without_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "servers.yaml"
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        path.write_text(server(name="dhcp-ö"), encoding=encoding)
        assert read_inventory(path).servers[0].name == "dhcp-ö"


@pytest.mark.parametrize("name", ["none.yaml", ".", "a\0b"])
def test_a_file_that_cannot_be_read_is_named_with_the_reason(tmp_path: Path, name: str) -> None:
    with pytest.raises(InventoryError, match=r"cannot be read: .+\.$"):
        read_inventory(tmp_path / name)


def test_a_device_that_never_ends_is_too_large() -> None:
    with pytest.raises(InventoryError, match="larger than 10 MB"):
        read_inventory(Path(os.devnull).with_name("zero"))


WORDS = st.sampled_from(
    ["servers", "credentials", "name", "winrm", "url", "aliases", "a", "10.0.0.1", "~", "", "<<"]
)
SHAPES = st.recursive(
    WORDS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(WORDS, inner, max_size=4).map(
            lambda pairs: "{" + ", ".join(f"{k}: {v}" for k, v in pairs.items()) + "}"
        ),
    ),
    max_leaves=12,
)


@given(st.one_of(st.binary(), st.text().map(str.encode), SHAPES.map(str.encode)))
def test_whatever_the_bytes_they_are_an_inventory_or_an_error_in_sentences(raw: bytes) -> None:
    told: tuple[str, ...] = ()
    servers: tuple[InventoryServer, ...] = ()
    try:
        servers = parse_inventory(raw, FILE).servers
    except InventoryError as error:
        told = error.problems
    assert bool(servers) is not bool(told)
    assert all(problem.isprintable() and problem.endswith((".", "?")) for problem in told)
