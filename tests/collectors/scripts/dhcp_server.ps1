# Stands in for a DHCP server: functions of the names of its cmdlets, found before these. They return what
# the cmdlets do: time spans, addresses, enumerations, null. IPAM_SYNC_TEST_SCENE says which day it is;
# test_run.py says what the packaged script must make of it.

$scene = $env:IPAM_SYNC_TEST_SCENE

function New-Failure([string]$id, [string]$category, [string]$message) {
    $exception = New-Object Exception $message
    New-Object Management.Automation.ErrorRecord -ArgumentList $exception, $id, $category, $null
}

function New-Relationship([hashtable]$values) {
    $all = @{
        Name = 'hq-branch'; PartnerServer = 'dhcp02.corp.example'; Mode = 'LoadBalance'; ServerRole = $null
        LoadBalancePercent = [uint32]50; ReservePercent = $null; ScopeId = $null
        MaxClientLeadTime = [TimeSpan]'01:00:00'; StateSwitchInterval = $null
        AutoStateTransition = $false; EnableAuth = $true; State = 'Normal'
    }
    if ($scene -ne 'server_2012') {
        $all += @{
            PrimaryServerIP = [Net.IPAddress]'10.0.0.1'; SecondaryServerIP = [Net.IPAddress]'10.0.0.2'
            PrimaryServerName = 'dhcp01.corp.example'; SecondaryServerName = 'dhcp02.corp.example'
            ServerType = 'PrimaryServer'
        }
    }
    foreach ($name in $values.Keys) { $all[$name] = $values[$name] }
    New-Object PSObject -Property $all
}

function Get-DhcpServerv4Failover {
    [CmdletBinding()] param()
    switch ($scene) {
        'none' { return }
        'refused' {
            $PSCmdlet.ThrowTerminatingError((New-Failure 'WIN32 5' PermissionDenied 'Accès refusé.'))
        }
        'half_told' {
            New-Relationship @{}
            $PSCmdlet.WriteError((New-Failure 'WIN32 1722' NotSpecified 'The RPC server is unavailable.'))
        }
        'many' {
            New-Relationship @{
                Name = "Zürich 🏢 <'&>"
                ScopeId = [Net.IPAddress[]]('10.0.1.0', '10.0.2.0')
                LoadBalancePercent = [uint32]70
            }
            New-Relationship @{
                Name = 'standby'; Mode = 'HotStandby'; ServerRole = 'Active'; State = 'CommunicationInterrupted'
                LoadBalancePercent = $null; ReservePercent = [uint32]5
                ScopeId = [Net.IPAddress]'10.0.3.0'
                AutoStateTransition = $true; StateSwitchInterval = [TimeSpan]'1.00:30:00'; EnableAuth = $false
            }
            New-Relationship @{ Name = 'empty'; ServerType = 'SecondaryServer'; PrimaryServerName = '' }
        }
        default { New-Relationship @{ ScopeId = [Net.IPAddress]'10.0.1.0' } }
    }
}

function Get-DhcpServerv4Scope {
    [CmdletBinding()] param()
    switch ($scene) {
        'none' { return }
        'failover_only' { $PSCmdlet.WriteError((New-Failure 'WIN32 5' PermissionDenied 'Access is denied.')) }
        default {
            New-Object PSObject -Property @{
                ScopeId = [Net.IPAddress]'10.0.1.0'; Name = 'Büro'; State = 'Active'
                SubnetMask = [Net.IPAddress]'255.255.255.0'
                StartRange = [Net.IPAddress]'10.0.1.10'; EndRange = [Net.IPAddress]'10.0.1.99'
            }
        }
    }
}

function Get-DhcpServerv4Statistics {
    [CmdletBinding()] param()
    if ($scene -eq 'failover_only') { throw 'not today' }
    New-Object PSObject -Property @{ ServerStartTime = [DateTime]'2026-03-01T06:00:00Z' }
}

function Get-DhcpServerVersion {
    [CmdletBinding()] param()
    if ($scene -eq 'failover_only') { throw 'not today' }
    New-Object PSObject -Property @{ MajorVersion = [uint32]10; MinorVersion = [uint32]0 }
}

function Get-Service {
    [CmdletBinding()] param($Name)
    if ($scene -eq 'failover_only') { Write-Error "Cannot find any service with service name '$Name'." }
    else { New-Object PSObject -Property @{ Status = [Threading.ThreadState]::Running } }
}

function Get-ItemProperty {
    [CmdletBinding()] param($Path)
    if ($Path -eq 'HKLM:\SOFTWARE\Microsoft\Cryptography' -and $scene -ne 'failover_only') {
        New-Object PSObject -Property @{ MachineGuid = '6f0c1d52-0000-4000-8000-000000000001' }
    }
    elseif ($Path -eq 'HKLM:\Cluster' -and $scene -eq 'many') {
        New-Object PSObject -Property @{ ClusterName = 'dhcp-cluster' }
    }
    else { Write-Error "Cannot find path '$Path' because it does not exist." }
}

if ($scene -eq 'no_module') { Remove-Item function:Get-DhcpServerv4Failover }
