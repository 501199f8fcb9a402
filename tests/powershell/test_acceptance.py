"""The check itself: what Windows PowerShell 5.1 would refuse is refused, and what it takes passes."""

from __future__ import annotations

import pytest

from tests.powershell.acceptance import refused, refused_scripts

pytestmark = pytest.mark.powershell

ACCEPTED = [
    "Set-DhcpServerv4Failover -ComputerName 'a' -Name 'R' -MaxClientLeadTime 01:00:00",
    "Set-DhcpServerv4Failover -ComputerName 'a' -Name 'R' -AutoStateTransition $false",
    "Set-DhcpServerv4Failover -ComputerName 'a' -Name 'O''Brien' -ReservePercent 5 -WhatIf",
    "$p = Read-Host; Set-DhcpServerv4Failover -Name 'R' -SharedSecret $p",
    "foreach ($s in 'a','b') { Get-DhcpServerv4Failover -ComputerName $s -Name 'R' -EA Stop }",
    "Get-DhcpServerv4Failover | Select-Object @{n='Asked';e={$_.Name}},*",
    "Add-DhcpServerv4Failover 'R' 'b' 10.0.1.0,10.0.2.0 -MaxClientLeadTime 01:00:00 -LoadBalancePercent 50",
    "Export-DhcpServer -ComputerName 'a' -ScopeId 10.0.1.0 -Leases -File 'saved.xml'",
    "Test-NetConnection 'b' -Port 647",
    "w32tm /stripchart /computer:b /samples:3 /dataonly",
    "Get-CimInstance Win32_OperatingSystem -ComputerName 'a' | select InstallDate",
    "Get-Service DHCPServer | Select-Object Status, StartType",
    "(Get-DhcpServerSetting).IsAuthorized",
]

#: What is refused, with a word of the reason.
REFUSED = {
    "Set-DhcpServerv4Failover -Name 'R' -MaxClientLeedTime 01:00:00": "-MaxClientLeedTime",
    "Set-DhcpServerv4Failover -Name 'R' -MaxClientLeadTime 1h": "MaxClientLeadTime",
    "Set-DhcpServerv4Failover -Name 'R' -AutoStateTransition off": "AutoStateTransition",
    "Set-DhcpServerv4Failover -ComputerName 'a' -ReservePercent 5": "Name",
    "Set-DhcpServerv4Failover -Name 'R' -Mode Both": "Mode",
    "Add-DhcpServerv4FailoverScope -Name 'R' -ScopeId vienna": "ScopeId",
    "Get-DhcpServerv4Failover -Name 'R' -ScopeId 10.0.1.0": "Parameter set",
    "Add-DhcpServerv4Failover -Name 'R' -PartnerServer 'b' -ScopeId 10.0.1.0 -ServerRole Active"
    " -LoadBalancePercent 50": "Parameter set",
    "Get-DhcpServerv4Failover -Name 'R' surplus": "positional",
    "$a ?? 'b'": "newer",
    "Get-DhcpServerSetting && Get-DhcpServerDatabase": "newer",
    "Get-DhcpServerSetting &": "newer",
    "$a = 0b10": "newer",
    "Get-DhcpServerv4Failover -Name 'R": "does not parse",
    "Get-DhcpServerv4Failover -Name 'O\u2019Brien'": "does not parse",
    "Get-DhcpServerv4Failovers -Name 'R'": "no cmdlet",
    "Remove-Item 'R'": "no cmdlet",
    "ConvertTo-Json -AsArray 1": "-AsArray",
    "& ('Remove-' + 'Item') 'R'": "not written out",
}


def test_what_is_documented_is_accepted() -> None:
    assert refused(ACCEPTED) == []


def test_what_windows_would_refuse_is_refused_with_the_reason() -> None:
    lines = refused(list(REFUSED))
    silent = [
        command
        for command, reason in REFUSED.items()
        if not any(line.startswith(f"{command}: ") and reason in line for line in lines)
    ]
    assert silent == [], lines


def test_a_command_knows_nothing_of_the_one_before() -> None:
    commands = ["$p = 'R'; Get-DhcpServerv4Failover $p", "Remove-DhcpServerv4Failover -Name $p"]
    (line,) = refused(commands)
    assert line.startswith(commands[1])


def test_a_script_is_read_and_not_run() -> None:
    assert refused_scripts(["throw 'it ran'"]) == []
    (line,) = refused_scripts(["Get-DhcpServerv4Scope -Stat Active"])
    assert "-Stat" in line
