"""``servers``: the inventory from a file and by hand."""

from __future__ import annotations

from tests.worker.cli.site import Json, Site, address, fqdn


def import_text(site: Site, text: str) -> Json:
    path = site.root / "inventory.yaml"
    path.write_text(text)
    outcome = site.run("servers", "import", path, "--json")
    assert outcome.code == 0, outcome
    return outcome.json


def server(site: Site, name: str) -> Json:
    return site.run("servers", "show", name, "--json").json


def test_import_adds_and_a_second_one_writes_nothing(site: Site) -> None:
    before = site.rows()
    outcome = site.run("servers", "import", site.root / "servers.yaml", "--json")
    assert outcome.json == {
        "added": [],
        "changed": [],
        "unchanged": [fqdn(1), fqdn(2), fqdn(3)],
        "absent": [],
        "kept_aliases": [],
        "credentials": [],
    }
    assert site.rows() == before


def test_import_changes_what_the_file_states_and_says_so(site: Site) -> None:
    text = f"""
credentials:
  corp: {{username: 'CORP\\svc', password_env: IPAM_CORP_PASSWORD}}
servers:
  - name: {fqdn(1)}
    addresses: [10.9.9.9]
    aliases: [hq]
    winrm: {{url: 'https://{fqdn(1)}:5986/wsman', transport: ntlm, credential: corp}}
"""
    told = import_text(site, text)
    (changed,) = told["changed"]
    assert changed["name"] == fqdn(1)
    assert changed["changes"][0] == f"addresses: {address(1)} -> 10.9.9.9"
    shown = server(site, fqdn(1))
    assert shown["addresses"] == ["10.9.9.9"]
    assert shown["aliases"] == [{"text": "hq", "provenance": "inventory"}]
    assert shown["winrm"] == {
        "url": f"https://{fqdn(1)}:5986/wsman",
        "transport": "ntlm",
        "credential": "corp",
    }
    assert import_text(site, text)["changed"] == []


def test_import_gives_tags_keeps_those_it_says_nothing_of_and_clears_them(site: Site) -> None:
    def file(tags: str) -> str:
        return f"servers:\n  - name: {fqdn(1)}\n{tags}"

    changed = import_text(site, file("    tags: [Lab, site:vienna]\n"))["changed"]
    assert changed[0]["changes"][-1] == "tags: none -> lab, site:vienna"
    before = server(site, fqdn(1))
    assert before["tags"] == ["lab", "site:vienna"]
    assert import_text(site, file(""))["changed"] == []
    assert server(site, fqdn(1)) == before
    import_text(site, file("    tags: []\n"))
    assert server(site, fqdn(1))["tags"] == []


def test_tags_are_given_and_taken_by_hand_and_nothing_is_judged_by_them(site: Site) -> None:
    changed_at = server(site, fqdn(1))["changed_at"]
    assert site.run("servers", "tag", fqdn(1), "Lab", "a/b").code == 0
    told = server(site, fqdn(1))
    assert (told["tags"], told["changed_at"]) == (["a/b", "lab"], changed_at)
    assert "a/b" in site.run("servers", "show", fqdn(1)).out
    wrong = site.run("servers", "tag", fqdn(1), "a b")
    assert (wrong.code, "'a b' is no tag" in wrong.err) == (1, True)
    assert site.run("servers", "tag", fqdn(1)).code == 0
    assert server(site, fqdn(1))["tags"] == []


def test_import_never_removes_and_lists_what_the_file_lacks(site: Site) -> None:
    import_text(site, f"servers: [{{name: {fqdn(1)}, aliases: [hq]}}]")
    told = import_text(site, f"servers: [{{name: {fqdn(1)}}}]")
    assert told["absent"] == [fqdn(2), fqdn(3)]
    assert told["kept_aliases"] == [{"server": fqdn(1), "text": "hq"}]
    assert server(site, fqdn(1))["addresses"] == [address(1)]
    assert len(site.run("servers", "list", "--json").json) == 3


def test_import_for_people_ends_with_the_numbers(site: Site) -> None:
    outcome = site.run("servers", "import", site.root / "servers.yaml")
    assert "0 added, 0 changed, 3 unchanged, 0 absent" in outcome.err
    assert outcome.out == ""


def test_a_credential_leaves_where_its_password_is_and_not_the_password(site: Site) -> None:
    secret = site.root / "secret"
    secret.write_text("hunter2\n")
    text = (
        "credentials: {corp: {username: svc-ipam, password_file: secret}}\n"
        f"servers: [{{name: {fqdn(1)}, winrm: {{credential: corp}}}}]"
    )
    assert import_text(site, text)["credentials"] == ["corp"]
    held = str(site.rows())
    assert "svc-ipam" in held
    assert str(secret) in held
    assert "hunter2" not in held
    assert import_text(site, text)["credentials"] == []
    (listed,) = site.run("credentials", "list", "--json").json
    assert (listed["name"], listed["servers"], listed["refused_by"]) == ("corp", 3, [])


def test_an_unknown_credential_cannot_be_resumed(site: Site) -> None:
    outcome = site.run("credentials", "resume", "corp")
    assert outcome.code == 1
    assert "credentials list" in outcome.err
    import_text(site, "credentials: {corp: {username: a, password_file: b}}\nservers: [{name: x}]")
    assert "was not suspended" in site.run("credentials", "resume", "corp").err


def test_add_and_show_by_any_name(site: Site) -> None:
    outcome = site.run(
        "servers", "add", "dhcp04.corp.example.", "--address", "10.0.0.4", "--alias", "lab"
    )
    assert outcome.code == 0
    shown = server(site, fqdn(4))
    assert shown["standing"] == "enabled"
    assert shown["last_sighting"] is None
    for name in ("lab", "10.0.0.4", "DHCP04"):
        assert server(site, name) == shown


def test_add_refuses_what_can_be_no_name_and_what_is_taken(site: Site) -> None:
    assert site.run("servers", "add", "two words").code == 1
    assert site.run("servers", "add", "dhcp05", "--address", "nowhere").code == 1
    taken = site.run("servers", "add", fqdn(1).upper())
    assert taken.code == 1
    assert "already" in taken.err


def test_rename_keeps_the_server(synced: Site) -> None:
    before = server(synced, fqdn(1))
    assert synced.run("servers", "rename", fqdn(1), "hq.corp.example").code == 0
    after = server(synced, "hq.corp.example")
    assert (after["id"], after["relationships"]) == (before["id"], 1)


def test_a_disabled_server_is_not_asked_until_it_is_enabled(synced: Site) -> None:
    assert synced.run("servers", "disable", fqdn(2)).code == 0
    document = synced.sync("--json").json
    assert document["summary"]["servers_read"] == 2
    refused = synced.sync("--server", fqdn(2))
    assert refused.code == 1
    assert "servers enable" in refused.err
    assert synced.run("servers", "enable", fqdn(2)).code == 0
    assert synced.sync("--json").json["summary"]["servers_read"] == 3


def test_retire_explains_itself_and_asks(synced: Site) -> None:
    asked = synced.run("servers", "retire", fqdn(2))
    assert asked.code == 1
    assert "can then be planned" in asked.err
    assert "--yes" in asked.err
    assert server(synced, fqdn(2))["standing"] == "enabled"


def test_with_both_partners_gone_a_retirement_plans_the_removal(synced: Site) -> None:
    assert synced.run("servers", "retire", fqdn(2), "--yes").code == 0
    assert server(synced, fqdn(2))["standing"] == "retired"
    synced.drop("HQ", 1)
    document = synced.plan("--json").json
    assert {o["operation"] for o in document["operations"]} <= {"FailoverDelete"}


def test_list_shows_what_was_read_and_when(synced: Site) -> None:
    listed = synced.run("servers", "list", "--json").json
    assert [s["name"] for s in listed] == [fqdn(1), fqdn(2), fqdn(3)]
    assert all(s["last_sighting"]["outcome"] == "read" for s in listed)
    assert all(s["last_seen_at"].endswith("Z") for s in listed)
    table = synced.run("servers", "list").out
    assert all(s["name"] in table for s in listed)


def test_a_server_that_failed_shows_why_and_what_to_do(synced: Site) -> None:
    synced.spoil(2, b"")
    assert synced.sync().code == 2
    last = server(synced, fqdn(2))["last_sighting"]
    assert (last["outcome"], last["code"]) == ("unread", "empty_output")
    assert "failed read" in synced.run("servers", "show", fqdn(2)).out


# ------------------------------------------------------------------- transports that do not work


def with_transport(site: Site, transport: str) -> Site:
    """Return the site with one server whose stored transport is this one."""
    import_text(
        site,
        f"""
credentials:
  corp: {{username: 'CORP\\svc', password_env: IPAM_CORP_PASSWORD}}
servers:
  - name: {fqdn(1)}
    winrm: {{transport: kerberos, credential: corp}}
""",
    )
    site.settings["IPAM_CORP_PASSWORD"] = "any"  # noqa: S105 - of a test
    site.sql("UPDATE server SET transport = ? WHERE name = ?", transport, fqdn(1))
    return site


def test_a_check_of_a_kerberos_server_says_that_it_does_not_work_yet(site: Site) -> None:
    outcome = with_transport(site, "kerberos").run("servers", "check", fqdn(1))
    assert outcome.code == 2
    said = " ".join((outcome.out + outcome.err).split())
    assert "the transport kerberos does not work yet, so it was not asked." in said
    assert "Give the server the transport ntlm" in said


def test_a_check_of_a_stored_credssp_server_says_why_it_is_not_asked(site: Site) -> None:
    outcome = with_transport(site, "credssp").run("servers", "check", fqdn(1))
    assert outcome.code == 1
    said = " ".join((outcome.out + outcome.err).split())
    assert "it hands the password to every server" in said
    assert "Use ntlm." in said


def test_an_inventory_that_names_credssp_is_refused(site: Site) -> None:
    path = site.root / "inventory.yaml"
    path.write_text(f"servers: [{{name: {fqdn(9)}, winrm: {{transport: credssp}}}}]")
    outcome = site.run("servers", "import", path, "--json")
    assert outcome.code == 1
    assert outcome.json["error"]["code"] == "inventory"
    assert "it hands the password to every server" in outcome.json["error"]["message"]
