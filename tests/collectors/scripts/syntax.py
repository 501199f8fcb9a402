"""What a packaged script may consist of, as rules over its syntax tree.  Used by ``test_rules``.

The rules are lists of what is allowed, so that what nobody thought of is refused: all of it exists
since PowerShell 3.0 (Windows Server 2012), and none of it changes anything on a server.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Final, TypeAlias

import tree_sitter_pwsh
from tree_sitter import Language, Node, Parser

#: What breaks it, in the words of the script.
Rule: TypeAlias = Callable[[Node], Iterator[str]]

#: The commands, each with the parameters it may have.  Not one alias: people redefine them.
COMMANDS: Final[Mapping[str, frozenset[str]]] = {
    "ConvertTo-Json": frozenset({"-Depth", "-Compress"}),
    "ForEach-Object": frozenset(),
    "Get-DhcpServerVersion": frozenset({"-EA"}),
    "Get-DhcpServerv4Failover": frozenset({"-EA"}),
    "Get-DhcpServerv4Scope": frozenset({"-EA"}),
    "Get-DhcpServerv4Statistics": frozenset({"-EA"}),
    "Get-ItemProperty": frozenset(),
    "Get-Service": frozenset({"-EA"}),
    "Where-Object": frozenset(),
}
TYPES: Final = frozenset(
    {
        *("bool", "char", "int", "long", "ordered", "regex"),
        *("Console", "DateTime", "Environment"),
        *("Net.Dns", "Net.NetworkInformation.IPGlobalProperties"),
    }
)
#: ``Write`` is that of the standard output.
METHODS: Final = frozenset(
    {"GetHostAddresses", "GetIPGlobalProperties", "Replace", "ToString", "ToUniversalTime", "Write"}
)
#: Named and nameless nodes of the grammar.
_CONSTRUCTS: Final = frozenset(
    """
    additive_expression argument_expression argument_expression_list argument_list
    array_expression assignment_expression assignment_operator assignment_value cast_expression
    catch_clause catch_clauses command command_argument_sep command_elements command_name
    command_parameter comment comparison_expression comparison_operator decimal_integer_literal
    element_access else_clause empty_statement expandable_string_literal
    expression_with_unary_operator format_expression format_operator function_name
    function_parameter_declaration function_statement generic_token hash_entry hash_literal_body
    hash_literal_expression if_statement integer_literal invocation_expression key_expression
    left_assignment_expression member_access member_name parameter_list parenthesized_expression
    pipeline pipeline_chain program script_block script_block_body script_block_expression
    script_parameter simple_name statement_block statement_list string_literal sub_expression
    try_statement type_identifier type_literal type_name type_spec unary_expression variable
    verbatim_string_characters
    ! " $( $_ ( ) + , -eq -f . :: ; = @( @{ [ ] catch else function if try { | }
    """.split()  # noqa: SIM905 - a list of strings would be 80 lines of quotes
)
#: What may be assigned: no name of PowerShell's own has one letter, and there is no other case.
_OWN_VARIABLE: Final = re.compile(r"\$[a-z]|\$(?:ErrorAction|Progress)Preference")
#: Windows PowerShell has aliases of these letters, and an alias is found before a function.
_ALIASES_OF_A_LETTER: Final = frozenset("hHrR")


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_pwsh.language()))


def tree(source: str) -> Node:
    """The syntax tree of a script."""
    return _parser().parse(source.encode()).root_node


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, in the order of the text."""
    yield node
    for child in node.children:
        yield from walk(child)


def text(node: Node) -> str:
    """What is written there."""
    return (node.text or b"").decode()


def broken(source: str) -> dict[str, list[str]]:
    """The rules that a script breaks, with what breaks them."""
    root = tree(source)
    found = {name: list(rule(root)) for name, rule in RULES.items()}
    return {name: words for name, words in found.items() if words}


def tokens(source: str) -> list[str]:
    """The words and signs of a script, without its comments and blanks."""
    leaves = (n for n in walk(tree(source)) if not n.children and n.type != "comment")
    return [text(n) for n in leaves if text(n).strip()]


def commands(source: str) -> set[str]:
    """The commands that a script runs, its own functions left out."""
    root = tree(source)
    return {name for _, name in _calls(root)} - _functions(root)


def _of_type(root: Node, *types: str) -> Iterator[Node]:
    return (node for node in walk(root) if node.type in types)


def _grammar(root: Node) -> Iterator[str]:
    return (text(n) or f"missing {n.type}" for n in walk(root) if n.is_error or n.is_missing)


def _constructs(root: Node) -> Iterator[str]:
    return (n.type for n in walk(root) if n.type.strip() and n.type not in _CONSTRUCTS)


def _commands(root: Node) -> Iterator[str]:
    allowed = COMMANDS.keys() | _functions(root)
    return (name for _, name in _calls(root) if name not in allowed)


def _parameters(root: Node) -> Iterator[str]:
    for call, name in _calls(root):
        elements = (n for child in call.children for n in _within_call(child))
        for parameter in (text(n) for n in elements if n.type == "command_parameter"):
            if parameter not in COMMANDS.get(name, frozenset()):
                yield f"{name} {parameter}"


def _types(root: Node) -> Iterator[str]:
    return (t for n in _of_type(root, "type_literal") if (t := text(n)[1:-1]) not in TYPES)


def _methods(root: Node) -> Iterator[str]:
    for call in _of_type(root, "invocation_expression"):
        names = [text(n) for n in call.children if n.type == "member_name"]
        yield from (name for name in names or [text(call)] if name not in METHODS)


def _variables(root: Node) -> Iterator[str]:
    """Assigned are only the script's own variables; nothing is splatted."""
    for target in _of_type(root, "left_assignment_expression"):
        if not _OWN_VARIABLE.fullmatch(text(target)):
            yield text(target)
    yield from (text(n) for n in _of_type(root, "variable") if text(n).startswith("@"))


def _literals(root: Node) -> Iterator[str]:
    """No suffixed numbers (some are of 6.2), no escapes: that with braces is of 6.0."""
    numbers = (text(n) for n in _of_type(root, "integer_literal", "real_literal"))
    yield from (number for number in numbers if not number.isdigit())
    yield from (text(n) for n in _of_type(root, "string_literal") if "`" in text(n))


def _comments(root: Node) -> Iterator[str]:
    """Leaving out lines would cut a comment of several in two; some comments are orders."""
    spoken = ((text(n), text(n).lower()) for n in _of_type(root, "comment"))
    return (said for said, low in spoken if low.startswith(("<#", "#requires")))


def _names(root: Node) -> Iterator[str]:
    return (f for f in _functions(root) if f in COMMANDS or f in _ALIASES_OF_A_LETTER)


def _calls(root: Node) -> Iterator[tuple[Node, str]]:
    for call in _of_type(root, "command"):
        yield call, text(call.children[0])


def _within_call(node: Node) -> Iterator[Node]:
    """What belongs to a call itself, not to a call inside one of its arguments."""
    yield node
    if node.type != "command":
        for child in node.children:
            yield from _within_call(child)


def _functions(root: Node) -> set[str]:
    return {text(n) for n in _of_type(root, "function_name")}


RULES: Final[Mapping[str, Rule]] = {
    "grammar": _grammar,
    "constructs": _constructs,
    "commands": _commands,
    "parameters": _parameters,
    "types": _types,
    "methods": _methods,
    "variables": _variables,
    "literals": _literals,
    "comments": _comments,
    "names": _names,
}
