# Stand-ins for the cmdlets that texts of ipam-sync name. Their names, parameters, types, sets and
# accepted values are those of Microsoft's documentation (DhcpServer module of Windows Server 2022,
# Windows PowerShell 5.1), without the parameters for CIM sessions and jobs. They do nothing.
function Add-DhcpServerv4ExclusionRange {
  [CmdletBinding(SupportsShouldProcess, PositionalBinding=$false)] param(
    [string]$ComputerName,
    [Parameter(Mandatory, Position=0)][Net.IPAddress]$ScopeId,
    [Parameter(Mandatory, Position=1)][Net.IPAddress]$StartRange,
    [Parameter(Mandatory, Position=2)][Net.IPAddress]$EndRange,
    [switch]$PassThru)
}
function Add-DhcpServerv4Failover {
  [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName='LoadBalance', PositionalBinding=$false)] param(
    [string]$ComputerName,
    [Parameter(Mandatory, Position=0)][string]$Name,
    [Parameter(Mandatory, Position=1)][string]$PartnerServer,
    [Parameter(Mandatory, Position=2)][Net.IPAddress[]]$ScopeId,
    [timespan]$MaxClientLeadTime,
    [bool]$AutoStateTransition,
    [timespan]$StateSwitchInterval,
    [switch]$Force,
    [string]$SharedSecret,
    [switch]$PassThru,
    [Parameter(ParameterSetName='LoadBalance')][uint32]$LoadBalancePercent,
    [Parameter(ParameterSetName='HotStandby')][uint32]$ReservePercent,
    [Parameter(ParameterSetName='HotStandby')][ValidateSet('Active', 'Standby')][string]$ServerRole)
}
function Add-DhcpServerv4FailoverScope {
  [CmdletBinding(SupportsShouldProcess, PositionalBinding=$false)] param(
    [Parameter(Mandatory, Position=0)][string]$Name,
    [Parameter(Mandatory, Position=1)][Net.IPAddress[]]$ScopeId,
    [string]$ComputerName,
    [switch]$PassThru)
}
function Export-DhcpServer {
  [CmdletBinding(SupportsShouldProcess, PositionalBinding=$false)] param(
    [Parameter(Mandatory, Position=0)][string]$File,
    [Net.IPAddress[]]$ScopeId,
    [Net.IPAddress[]]$Prefix,
    [switch]$Leases,
    [switch]$Force,
    [string]$ComputerName)
}
function Get-CimInstance {
  [CmdletBinding(DefaultParameterSetName='ClassNameComputerSet', PositionalBinding=$false)] param(
    [Parameter(ParameterSetName='ClassNameComputerSet', Mandatory, Position=0)][string]$ClassName,
    [Parameter(ParameterSetName='ClassNameComputerSet')][Parameter(ParameterSetName='QueryComputerSet')][string[]]$ComputerName,
    [Parameter(ParameterSetName='ClassNameComputerSet')][switch]$KeyOnly,
    [Parameter(ParameterSetName='ClassNameComputerSet')][Parameter(ParameterSetName='QueryComputerSet')][string]$Namespace,
    [uint32]$OperationTimeoutSec,
    [Parameter(ParameterSetName='ClassNameComputerSet')][Parameter(ParameterSetName='QueryComputerSet')][string]$QueryDialect,
    [Parameter(ParameterSetName='ClassNameComputerSet')][Parameter(ParameterSetName='QueryComputerSet')][switch]$Shallow,
    [Parameter(ParameterSetName='ClassNameComputerSet')][string]$Filter,
    [Parameter(ParameterSetName='ClassNameComputerSet')][string[]]$Property,
    [Parameter(ParameterSetName='QueryComputerSet')][object]$ResourceUri,
    [Parameter(ParameterSetName='QueryComputerSet', Mandatory)][string]$Query)
}
function Get-DhcpServerDatabase {
  [CmdletBinding(PositionalBinding=$false)] param(
    [string]$ComputerName)
}
function Get-DhcpServerSetting {
  [CmdletBinding(PositionalBinding=$false)] param(
    [string]$ComputerName)
}
function Get-DhcpServerv4ExclusionRange {
  [CmdletBinding(PositionalBinding=$false)] param(
    [string]$ComputerName,
    [Parameter(Position=0)][Net.IPAddress[]]$ScopeId)
}
function Get-DhcpServerv4Failover {
  [CmdletBinding(DefaultParameterSetName='Name', PositionalBinding=$false)] param(
    [string]$ComputerName,
    [Parameter(ParameterSetName='Name', Position=0)][string[]]$Name,
    [Parameter(ParameterSetName='ScopeId', Mandatory)][Net.IPAddress[]]$ScopeId)
}
function Get-DhcpServerv4Lease {
  [CmdletBinding(DefaultParameterSetName='ScopeId', PositionalBinding=$false)] param(
    [string]$ComputerName,
    [Parameter(ParameterSetName='ScopeId', Mandatory, Position=0)][Parameter(ParameterSetName='ClientId', Mandatory, Position=0)][Parameter(ParameterSetName='BadLeases', Position=0)][Net.IPAddress]$ScopeId,
    [Parameter(ParameterSetName='ScopeId')][switch]$AllLeases,
    [Parameter(ParameterSetName='IPAddress', Mandatory)][Net.IPAddress[]]$IPAddress,
    [Parameter(ParameterSetName='ClientId', Mandatory, Position=1)][string[]]$ClientId,
    [Parameter(ParameterSetName='BadLeases')][switch]$BadLeases)
}
function Get-DhcpServerv4OptionValue {
  [CmdletBinding(PositionalBinding=$false)] param(
    [string]$VendorClass,
    [string]$ComputerName,
    [Parameter(Position=0)][Net.IPAddress]$ScopeId,
    [Net.IPAddress]$ReservedIP,
    [Parameter(Position=1)][uint32[]]$OptionId,
    [string]$UserClass,
    [switch]$All,
    [switch]$Brief,
    [string]$PolicyName)
}
function Get-DhcpServerv4Reservation {
  [CmdletBinding(DefaultParameterSetName='ScopeId', PositionalBinding=$false)] param(
    [string]$ComputerName,
    [Parameter(ParameterSetName='ScopeId', Mandatory, Position=0)][Parameter(ParameterSetName='ClientId', Mandatory, Position=1)][Net.IPAddress]$ScopeId,
    [Parameter(ParameterSetName='IPAddress', Mandatory)][Net.IPAddress[]]$IPAddress,
    [Parameter(ParameterSetName='ClientId', Mandatory, Position=0)][string[]]$ClientId)
}
function Get-DhcpServerv4Scope {
  [CmdletBinding(PositionalBinding=$false)] param(
    [string]$ComputerName,
    [Parameter(Position=0)][Net.IPAddress[]]$ScopeId)
}
function Get-DhcpServerv4ScopeStatistics {
  [CmdletBinding(PositionalBinding=$false)] param(
    [Parameter(Position=0)][Net.IPAddress[]]$ScopeId,
    [string]$ComputerName,
    [switch]$Failover)
}
function Get-DhcpServerv4Statistics {
  [CmdletBinding(PositionalBinding=$false)] param(
    [string]$ComputerName)
}
function Get-DhcpServerVersion {
  [CmdletBinding(PositionalBinding=$false)] param(
    [string]$ComputerName)
}
function Get-Service {
  [CmdletBinding(DefaultParameterSetName='Default', PositionalBinding=$false)] param(
    [Parameter(ParameterSetName='Default', Position=0)][string[]]$Name,
    [string[]]$ComputerName,
    [switch]$DependentServices,
    [switch]$RequiredServices,
    [Parameter(ParameterSetName='DisplayName', Mandatory)][string[]]$DisplayName,
    [Parameter(ParameterSetName='InputObject')][object[]]$InputObject)
}
function Get-WinEvent {
  [CmdletBinding(DefaultParameterSetName='GetLogSet', PositionalBinding=$false)] param(
    [Parameter(ParameterSetName='GetLogSet', Position=0)][string[]]$LogName,
    [Parameter(ParameterSetName='GetLogSet')][Parameter(ParameterSetName='HashQuerySet')][long]$MaxEvents,
    [Parameter(ParameterSetName='GetLogSet')][Parameter(ParameterSetName='HashQuerySet')][string]$ComputerName,
    [pscredential]$Credential,
    [Parameter(ParameterSetName='GetLogSet')][string]$FilterXPath,
    [Parameter(ParameterSetName='GetLogSet')][Parameter(ParameterSetName='HashQuerySet')][switch]$Force,
    [Parameter(ParameterSetName='GetLogSet')][Parameter(ParameterSetName='HashQuerySet')][switch]$Oldest,
    [Parameter(ParameterSetName='HashQuerySet', Mandatory, Position=0)][hashtable[]]$FilterHashtable)
}
function Install-WindowsFeature {
  [CmdletBinding(SupportsShouldProcess, PositionalBinding=$false)] param(
    [Parameter(Mandatory, Position=0)][string[]]$Name,
    [switch]$Restart,
    [switch]$IncludeAllSubFeature,
    [switch]$IncludeManagementTools,
    [string]$ComputerName)
}
function Invoke-DhcpServerv4FailoverReplication {
  [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName='Name', PositionalBinding=$false)] param(
    [string]$ComputerName,
    [switch]$Force,
    [Parameter(ParameterSetName='Name', Position=0)][string[]]$Name,
    [Parameter(ParameterSetName='ScopeId', Mandatory)][Net.IPAddress[]]$ScopeId)
}
function Remove-DhcpServerv4Failover {
  [CmdletBinding(SupportsShouldProcess, PositionalBinding=$false)] param(
    [Parameter(Mandatory, Position=0)][string[]]$Name,
    [switch]$Force,
    [switch]$PassThru,
    [string]$ComputerName)
}
function Remove-DhcpServerv4FailoverScope {
  [CmdletBinding(SupportsShouldProcess, PositionalBinding=$false)] param(
    [string]$ComputerName,
    [Parameter(Mandatory, Position=0)][string]$Name,
    [Parameter(Mandatory, Position=1)][Net.IPAddress[]]$ScopeId,
    [switch]$Force,
    [switch]$PassThru)
}
function Repair-DhcpServerv4IPRecord {
  [CmdletBinding(SupportsShouldProcess, PositionalBinding=$false)] param(
    [string]$ComputerName,
    [Parameter(Mandatory, Position=0)][Net.IPAddress[]]$ScopeId,
    [switch]$ReportOnly,
    [switch]$Force)
}
function Set-DhcpServerv4Failover {
  [CmdletBinding(SupportsShouldProcess, PositionalBinding=$false)] param(
    [string]$ComputerName,
    [Parameter(Mandatory, Position=0)][string]$Name,
    [bool]$AutoStateTransition,
    [timespan]$MaxClientLeadTime,
    [string]$SharedSecret,
    [timespan]$StateSwitchInterval,
    [switch]$PartnerDown,
    [switch]$Force,
    [uint32]$LoadBalancePercent,
    [uint32]$ReservePercent,
    [switch]$PassThru,
    [ValidateSet('LoadBalance', 'HotStandby')][string]$Mode)
}
function Start-Service {
  [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName='InputObject', PositionalBinding=$false)] param(
    [Parameter(ParameterSetName='InputObject', Mandatory, Position=0)][object[]]$InputObject,
    [switch]$PassThru,
    [Parameter(ParameterSetName='Default', Mandatory, Position=0)][string[]]$Name,
    [Parameter(ParameterSetName='DisplayName', Mandatory)][string[]]$DisplayName)
}
function Test-NetConnection {
  [CmdletBinding(DefaultParameterSetName='ICMP', PositionalBinding=$false)] param(
    [Parameter(Position=0)][string]$ComputerName,
    [Parameter(ParameterSetName='ICMP')][switch]$TraceRoute,
    [Parameter(ParameterSetName='ICMP')][int]$Hops,
    [ValidateSet('Quiet', 'Detailed')][string]$InformationLevel,
    [Parameter(ParameterSetName='CommonTCPPort', Mandatory, Position=1)][ValidateSet('HTTP', 'RDP', 'SMB', 'WINRM')][string]$CommonTCPPort,
    [Parameter(ParameterSetName='RemotePort', Mandatory)][int]$Port)
}
