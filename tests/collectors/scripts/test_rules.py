"""The script is PowerShell 3.0 and reads only; and each rule that says so would notice."""

from __future__ import annotations

import pytest

from collectors.scripts import packaged
from tests.collectors.scripts.syntax import COMMANDS, RULES, broken, commands

#: The rule, a script that breaks it, and since when PowerShell would take it, or why ours may not.
BREAKS = [
    ("grammar", "$a = @(1", "not closed"),
    ("grammar", "${a}?.Length", "7.0, null-conditional"),
    ("grammar", "${a}?[0]", "7.0, null-conditional"),
    ("grammar", "Get-Service &", "6.0, in the background"),
    ("constructs", "$a ?? 1", "7.0"),
    ("constructs", "$a ??= 1", "7.0"),
    ("constructs", "$a ? 1 : 2", "7.0"),
    ("constructs", "Get-Service && Get-Service", "7.0"),
    ("constructs", "Get-Service || Get-Service", "7.0"),
    ("constructs", "function F { clean { 1 } }", "7.3"),
    ("constructs", "class A { }", "5.0"),
    ("constructs", "enum A { B }", "5.0"),
    ("constructs", "using namespace System", "5.0"),
    ("constructs", "$a.Where({ $_ })", "4.0"),
    ("constructs", "$a.ForEach({ $_ })", "4.0"),
    ("constructs", "& Get-Service", "runs what a string names"),
    ("constructs", "& $a", "runs what a variable holds"),
    ("constructs", ". Get-Service", "runs it in our scope"),
    ("constructs", "Get-Service > C:\\x.txt", "writes a file"),
    ("constructs", "Get-Service 2>$null", "hides errors"),
    ("constructs", "Get-Service --% x", "hands over text unread"),
    ("constructs", "exit 1", "says that nothing was printed"),
    ("constructs", '@"\na\n"@', "is damaged when lines are packed"),
    ("constructs", "@'\na\n'@", "is damaged when lines are packed"),
    ("commands", "Set-DhcpServerv4Failover", "changes"),
    (
        "commands",
        "$a | ForEach-Object { Remove-DhcpServerv4Failover }",
        "changes, hidden in a block",
    ),
    ("commands", '"$(Add-DhcpServerv4Failover)"', "changes, hidden in a string"),
    ("commands", "Invoke-Expression $a", "runs text"),
    ("commands", "Get-Content x", "reads what is no business of ours"),
    ("commands", "$a | ? { $_ }", "an alias"),
    ("commands", "$a | % { $_ }", "an alias"),
    ("commands", "C:\\x.exe", "a program"),
    ("commands", "configuration A { }", "4.0"),
    ("commands", "$a = 0b101", "7.0, a number; before it a program"),
    ("parameters", "ConvertTo-Json -AsArray", "7.0"),
    ("parameters", "ConvertTo-Json -EnumsAsStrings", "7.0"),
    ("parameters", "ConvertTo-Json -EscapeHandling EscapeNonAscii", "6.2"),
    ("parameters", "$a | ForEach-Object -Parallel { 1 }", "7.0"),
    ("parameters", "Get-DhcpServerv4Failover -ComputerName a", "asks another server"),
    ("parameters", "Get-Service -Name (Get-Service -ComputerName a)", "hidden in an argument"),
    ("types", "[IO.File]::Exists(1)", "any file"),
    ("types", "[scriptblock]::Create(1)", "text as a script"),
    ("methods", "$a.Remove()", "changes"),
    ("methods", "$a.$b()", "whatever a variable names"),
    ("methods", "$a.('Replace')()", "whatever an expression names"),
    ("methods", "[DateTime]::new()", "5.0"),
    ("variables", "$env:PATH = 1", "changes the environment"),
    ("variables", "$global:a = 1", "outlives us"),
    ("variables", "$host = 1", "PowerShell's own"),
    ("variables", "$A = 1", "the same as $a"),
    ("variables", "$a.Status = 1", "changes an object"),
    ("variables", "[Console]::OutputEncoding = 1", "changes the console"),
    ("variables", "Get-Service @a", "parameters that nobody reads"),
    ("literals", "1u", "6.2"),
    ("literals", '"`u{e9}"', "6.0"),
    ("comments", "1 # requires\n#requires -Version 7", "refuses older ones"),
    ("comments", "<#\n 1\n#>", "is cut in two when lines are packed"),
    ("names", "function R { 1 }", "an alias wins"),
    ("names", "function Get-Service { 1 }", "another command under a name that is allowed"),
]


def test_the_script_breaks_no_rule() -> None:
    assert broken(packaged("failover").source) == {}
    assert broken(packaged("failover").sent) == {}


def test_every_command_that_is_allowed_is_needed_and_reads() -> None:
    assert commands(packaged("failover").source) == COMMANDS.keys()
    pure = {"ConvertTo-Json", "ForEach-Object", "Where-Object"}
    assert all(command.startswith("Get-") for command in COMMANDS.keys() - pure)


@pytest.mark.parametrize(("rule", "snippet", "why"), BREAKS)
def test_a_rule_notices_what_breaks_it(rule: str, snippet: str, why: str) -> None:
    assert rule in broken(snippet), why


def test_every_rule_is_proven_by_something_that_breaks_it() -> None:
    assert {rule for rule, _, _ in BREAKS} == RULES.keys()
