# Check PowerShell text that people paste into Windows PowerShell 5.1, or that is sent to it.
#
# Standard input is {"commands": [text, ...], "scripts": [text, ...]} in JSON. A command is also run
# between the stand-ins of cmdlets.psm1, a script is only read. The output is a JSON array of
# {"text": text, "fault": words}.
$ErrorActionPreference = 'Stop'
$asked = [Console]::In.ReadToEnd() | ConvertFrom-Json
$standIns = Join-Path $PSScriptRoot 'cmdlets.psm1'
$common = 'Verbose', 'Debug', 'ErrorAction', 'EA', 'WarningAction', 'WA', 'InformationAction',
    'ErrorVariable', 'EV', 'WarningVariable', 'WV', 'InformationVariable', 'OutVariable', 'OV',
    'OutBuffer', 'OB', 'PipelineVariable', 'PV'
$newerTokens = 'QuestionQuestion', 'QuestionQuestionEquals', 'QuestionDot', 'QuestionLBracket',
    'AndAnd', 'OrOr'
$newerNumber = '^0b|^(?!0x).*\d(uy?|y|u?s|ul|n)(kb|mb|gb|tb|pb)?$'
$programs = 'w32tm', 'winrm'
# Aliases of Windows PowerShell that other systems lack.
$aliases = @{ sort = 'Sort-Object'; gsv = 'Get-Service'; sasv = 'Start-Service' }

# Every cmdlet that a text may name, with its parameters.
$known = [hashtable]::new([StringComparer]::OrdinalIgnoreCase)
(Get-Content (Join-Path $PSScriptRoot 'cmdlets_of_5_1.json') -Raw |
    ConvertFrom-Json -AsHashtable).GetEnumerator() | ForEach-Object { $known[$_.Key] = $_.Value }
foreach ($command in (Import-Module $standIns -PassThru -DisableNameChecking).ExportedFunctions.Values) {
    $known[$command.Name] = @($command.Parameters.Keys | Where-Object { $_ -notin $common })
}

function Find-Syntax($tree, [scriptblock]$condition) { $tree.FindAll($condition, $true) }

function Find-Newer($tree, $tokens) {
    foreach ($token in $tokens) {
        $kind = "$($token.Kind)"
        if ($kind -in $newerTokens -or
            ($kind -eq 'Number' -and $token.Text -match $newerNumber) -or
            ($kind -match 'Expandable' -and $token.Text -match '`u\{')) { $token.Text }
    }
    Find-Syntax $tree {
        param($node)
        $node -is [Management.Automation.Language.TernaryExpressionAst] -or
        $node -is [Management.Automation.Language.PipelineChainAst] -or
        ($node -is [Management.Automation.Language.PipelineAst] -and $node.Background) -or
        ($node -is [Management.Automation.Language.ScriptBlockAst] -and $node.CleanBlock)
    } | ForEach-Object { $_.Extent.Text }
}

function Find-Parameter($name, $call) {
    $elements = $call.CommandElements |
        Where-Object { $_ -is [Management.Automation.Language.CommandParameterAst] }
    foreach ($parameter in $elements.ParameterName) {
        $all = @($known[$name]) + $common
        $fitting = @($all | Where-Object { $_ -eq $parameter })
        if (-not $fitting) { $fitting = @($all | Where-Object { $_ -like "$parameter*" }) }
        if ($fitting.Count -ne 1) { "$name has no parameter -$parameter" }
    }
}

function Find-Command($tree) {
    $own = (Find-Syntax $tree {
        param($node) $node -is [Management.Automation.Language.FunctionDefinitionAst]
    }).Name
    $calls = Find-Syntax $tree {
        param($node) $node -is [Management.Automation.Language.CommandAst]
    }
    foreach ($call in $calls) {
        $name = $call.GetCommandName()
        if (-not $name) { "the name of a command is not written out: $call"; continue }
        if ($name -in $own) { continue }
        if ($aliases[$name]) { $name = $aliases[$name] }
        elseif ($alias = Get-Alias $name -ErrorAction Ignore) { $name = $alias.Definition }
        if ($known.ContainsKey($name)) { Find-Parameter $name $call }
        elseif ($name -notin $programs) { "$name is no cmdlet of Windows PowerShell 5.1 known here" }
    }
}

function Find-Fault([string]$text) {
    $tokens = $null; $errors = $null
    $tree = [Management.Automation.Language.Parser]::ParseInput($text, [ref]$tokens, [ref]$errors)
    if ($errors) { $errors | ForEach-Object { "does not parse: $($_.Message)" }; return }
    Find-Newer $tree $tokens | ForEach-Object { "is newer than PowerShell 5.1: $_" }
    Find-Command $tree
}

# Nothing asks, and a program is a stand-in, too.
$setUp = {
    param($standIns, $programs, $aliases)
    $ErrorActionPreference = 'Stop'
    $env:PATH = ''
    Import-Module $standIns -DisableNameChecking
    foreach ($program in $programs) { Set-Item "function:global:$program" { } }
    Set-Item function:global:Read-Host { 'typed' }
    foreach ($alias in $aliases.Keys) { Set-Alias -Scope Global -Force $alias $aliases[$alias] }
}

function Invoke-Text([string]$text) {
    $run.Commands.Clear(); $run.Streams.ClearStreams()
    try {
        $null = $run.AddScript($text, $true).Invoke()
        $run.Streams.Error | ForEach-Object { "is not accepted: $_" }
    }
    catch {
        $cause = $_.Exception
        if ($cause.InnerException) { $cause = $cause.InnerException }
        "is not accepted: $($cause.Message)"
    }
}

$run = [powershell]::Create([Management.Automation.Runspaces.InitialSessionState]::CreateDefault2())
$null = $run.AddScript($setUp).AddArgument($standIns).AddArgument($programs).AddArgument($aliases).Invoke()
$found = [Collections.Generic.List[object]]::new()
foreach ($text in @($asked.commands)) {
    $faults = @(Find-Fault $text)
    if (-not $faults) { $faults = @(Invoke-Text $text) }
    foreach ($fault in $faults) { $found.Add(@{ text = $text; fault = $fault }) }
}
foreach ($text in @($asked.scripts)) {
    foreach ($fault in @(Find-Fault $text)) { $found.Add(@{ text = $text; fault = $fault }) }
}
$run.Dispose()
ConvertTo-Json -InputObject $found -Compress -EscapeHandling EscapeNonAscii
