# Tells everything about DHCPv4 failover on this server as one JSON document, and changes nothing.
#
# For Windows PowerShell 3.0 (Windows Server 2012) to 5.1. The document is described in
# collectors/wire.py. It is sent without comments and indentation and must fit a command line. The
# lines below "# members:" are parsed: the simulated servers answer with just these members.

$ErrorActionPreference = 'Stop'
# Progress would be written to standard error as CLIXML.
$ProgressPreference = 'SilentlyContinue'

# Text, null where there is none: [string]$null would be ''.
function T($v) { if ("$v" -eq '') { $null } else { "$v" } }
# A whole number, null where there is none: [int]$null would be 0.
function I($v) { if ($null -eq $v) { $null } else { [long]$v } }
# Seconds of a TimeSpan.
function S($v) { if ($null -eq $v) { $null } else { [long]$v.TotalSeconds } }
# A time in UTC, ISO 8601.
function U($v) { $v.ToUniversalTime().ToString('o') }
# The value of a registry key, null if it cannot be read. (Not R: that is an alias of the host.)
function K($k, $n) { try { T (Get-ItemProperty "HKLM:\$k").$n } catch { $null } }

$e = $null
$r = @()
try {
    $r = @(Get-DhcpServerv4Failover -EA Stop | ForEach-Object { [ordered]@{
        # members: relationship
        Name = T $_.Name
        PartnerServer = T $_.PartnerServer
        Mode = T $_.Mode
        ServerRole = T $_.ServerRole
        LoadBalancePercent = I $_.LoadBalancePercent
        ReservePercent = I $_.ReservePercent
        ScopeId = @($_.ScopeId | Where-Object { $_ } | ForEach-Object { "$_" })
        MaxClientLeadTime = S $_.MaxClientLeadTime
        StateSwitchInterval = S $_.StateSwitchInterval
        AutoStateTransition = [bool]$_.AutoStateTransition
        EnableAuth = [bool]$_.EnableAuth
        State = T $_.State
        PrimaryServerIP = T $_.PrimaryServerIP
        SecondaryServerIP = T $_.SecondaryServerIP
        PrimaryServerName = T $_.PrimaryServerName
        SecondaryServerName = T $_.SecondaryServerName
        ServerType = T $_.ServerType
    } })
} catch {
    # The message is in the server's language: only the other two are compared.
    $e = [ordered]@{
        # members: error
        fqid = T $_.FullyQualifiedErrorId
        category = T $_.CategoryInfo.Category
        message = T $_.Exception.Message
    }
}

# What follows is told as well if it can be: null is "not said".
$s = $null
try {
    $s = @(Get-DhcpServerv4Scope -EA Stop | ForEach-Object { [ordered]@{
        # members: scope
        ScopeId = T $_.ScopeId
        Name = T $_.Name
        SubnetMask = T $_.SubnetMask
        StartRange = T $_.StartRange
        EndRange = T $_.EndRange
        State = T $_.State
    } })
} catch { }
$t = $null
try { $t = U (Get-DhcpServerv4Statistics -EA Stop).ServerStartTime } catch { }
$v = $null
try { $v = Get-DhcpServerVersion -EA Stop; $v = "$($v.MajorVersion).$($v.MinorVersion)" } catch { }
$d = $null
try {
    $d = [ordered]@{
        # members: service
        state = T (Get-Service DHCPServer -EA Stop).Status
        started_at = $t
    }
} catch { }
# No question to a name server: these two are the machine's own.
$n = [Net.NetworkInformation.IPGlobalProperties]::GetIPGlobalProperties()
$f = $null
if ($n.DomainName) { $f = $n.HostName + '.' + $n.DomainName }
$a = @()
try { $a = @([Net.Dns]::GetHostAddresses($env:COMPUTERNAME) | Where-Object { !$_.IsIPv6LinkLocal } | ForEach-Object { "$_" }) } catch { }

$j = [ordered]@{
    schema = 1
    ok = $null -eq $e
    error = $e
    host = [ordered]@{
        # members: host
        computer_name = T $env:COMPUTERNAME
        dns_name = $f
        machine_id = K 'SOFTWARE\Microsoft\Cryptography' MachineGuid
        addresses = $a
        cluster_name = K 'Cluster' ClusterName
        os_version = T ([Environment]::OSVersion.Version)
        powershell_version = T $PSVersionTable.PSVersion
        clock = U ([DateTime]::UtcNow)
        dhcp_service = $d
        dhcp_version = $v
    }
    relationships = $r
    scopes = $s
} | ConvertTo-Json -Depth 6 -Compress
# ASCII only, so that no code page can damage it.
[Console]::Out.Write([regex]::Replace($j, '[^ -~]', { '\u{0:x4}' -f [int][char]$args[0].Value }))
