"""The rules, each with the place it comes from, and what breaking one looks like.

Sources are chapters of the Vitis HLS user guide (UG1399, 2024.1), put in our own words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from bnn_hw.verify.hls_rules.unit import Place


@dataclass(frozen=True)
class Rule:
    """``says``: the rule in one sentence; ``source``: the chapter of UG1399 it is taken from."""

    says: str
    source: str


RULES: Mapping[str, Rule] = {
    "dataflow-body": Rule(
        "A dataflow region holds declarations of local streams and calls of void functions, and no "
        "condition, loop, assignment or return.",
        "Canonical Body",
    ),
    "dataflow-stream": Rule(
        "Each stream of a region has one producer and, in a later call, one consumer; a port has one "
        "process.",
        "Canonical Body",
    ),
    "dataflow-argument": Rule(
        "A process is given streams of the region, ports and constants, by their names.",
        "Canonical Body; Limitations of Control-Driven Task-Level Parallelism",
    ),
    "stream-access": Rule(
        "A process takes a stream by reference and uses blocking reads or writes alone: in C "
        "simulation a stream never fills up, so anything else differs there from hardware.",
        "HLS Stream Library: blocking and non-blocking access",
    ),
    "stream-depth": Rule(
        "Each stream of a region has its depth in a pragma of its own.", "pragma HLS stream"
    ),
    "interface": Rule(
        "Each port of the top function, and its return, has an interface pragma.",
        "pragma HLS interface",
    ),
    "loop-bound": Rule(
        "A loop counts a variable of its own in constant steps from a constant to a constant.",
        "Variable Loop Bounds",
    ),
    "loop-flatten": Rule(
        "A loop that is flattened is all that the loop around it holds.",
        "Nested Loops: perfect and semi-perfect; pragma HLS loop_flatten",
    ),
    "pragma-known": Rule("A pragma is one that these rules know.", "HLS Pragmas"),
    "pragma-option": Rule(
        "A pragma has its required options, none it does not take, and values that it takes.",
        "HLS Pragmas",
    ),
    "pragma-place": Rule(
        "A pragma stands in the kind of scope that it is made for, once.", "HLS Pragmas"
    ),
    "pragma-variable": Rule(
        "A pragma names a variable that is declared before it in its scope, with as many dimensions "
        "as it says.",
        "HLS Pragmas",
    ),
    "dynamic-memory": Rule(
        "No memory is allocated or freed while it runs, and no array has a size that is not constant.",
        "Unsupported C/C++ Constructs: Dynamic Memory Usage",
    ),
    "recursion": Rule(
        "No function calls itself, not by way of another one either.",
        "Unsupported C/C++ Constructs: Recursive Functions",
    ),
    "virtual": Rule(
        "No virtual function and no type that is asked for while it runs.",
        "Unsupported C/C++ Constructs: Virtual Functions and Pointers",
    ),
    "pointer": Rule(
        "No pointer to a function, a member or a pointer, and no cast between pointer types.",
        "Unsupported C/C++ Constructs: Pointer Limitations",
    ),
    "exception": Rule("No throw, try or catch.", "Canonical Body; C/C++ Language Support"),
    "std-library": Rule(
        "Nothing of the standard library but its integer types and what the compiler works out.",
        "Unsupported C/C++ Constructs: Standard Template Libraries",
    ),
    "system-call": Rule(
        "No call of the operating system or the C library.",
        "Unsupported C/C++ Constructs: System Calls",
    ),
    "static-state": Rule(
        "What is static or global is constant and initialised with numbers.",
        "Canonical Body; Static Variables",
    ),
    "floating": Rule(
        "No float or double: every number of the datapath is an integer of known width.",
        "Data Types (synthesised as floating-point cores, which an integer network must not have)",
    ),
    "jump": Rule("No goto, no lambda and no assembler.", "C/C++ Language Support"),
}


@dataclass(frozen=True, order=True)
class Offence:
    """One rule broken at one place; ``instead`` says what to do."""

    place: Place
    rule: str
    what: str
    instead: str

    def __str__(self) -> str:
        """The offence in one line."""
        return f"{self.place.file}:{self.place.line}: {self.rule}: {self.what}; {self.instead}"


@dataclass
class Findings:
    """Collects offences, each once, and counts what was looked at, by rule."""

    checked: Counter[str] = field(default_factory=Counter)
    _found: set[Offence] = field(default_factory=set)

    def look(self, rule: str, count: int = 1) -> None:
        """Count places that ``rule`` was held against."""
        if rule not in RULES:
            raise ValueError(f"no rule {rule}")
        self.checked[rule] += count

    def add(self, place: Place, rule: str, what: str, instead: str) -> None:
        """Add an offence; the same one from another instance of a template is not added again."""
        if rule not in RULES:
            raise ValueError(f"no rule {rule}")
        self._found.add(Offence(place, rule, what, instead))

    @property
    def offences(self) -> tuple[Offence, ...]:
        """All of them, by file and line."""
        return tuple(sorted(self._found))
