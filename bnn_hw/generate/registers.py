"""The register map of the AXI4-Lite block: the one description of which RTL, C and Python are made.

Reads a :class:`bnn_hw.generate.plan.Plan`; gives a :class:`RegisterMap` that the templates of the
register block, the C header, the PYNQ driver and the hand-off page all render, so that none of them
can tell another story. Offsets are bytes, a register is one word of 32 bits.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from bnn_hw.errors import UserError
from bnn_hw.generate.plan import Plan

WORD_BITS = 32
WORD_BYTES = WORD_BITS // 8
# "BNNA": what a driver finds at offset 0 when it looks at the right place.
MAGIC = int.from_bytes(b"BNNA", "big")
# Counts up when a register moves or changes its meaning.
LAYOUT = 1
_SCORE_OFFSET = 0x100
# A slave of AXI4 takes 4 KiB of addresses or more.
_LEAST_ADDRESS_BITS = 12
_CLASS_BITS = 16


class Access(Enum):
    """What software can do with a field; the value is the text of the documents."""

    CONSTANT = "constant"
    STATUS = "read"
    CONTROL = "read, write"
    PULSE = "write 1, reads 0"
    CLEAR = "read, write 1 to clear"


@dataclass(frozen=True)
class Field:
    """Bits ``low`` to ``low + width - 1`` of a register; ``reset`` is the value after reset."""

    name: str
    low: int
    width: int
    access: Access
    reset: int
    meaning: str

    @property
    def high(self) -> int:
        """Its highest bit."""
        return self.low + self.width - 1

    @property
    def mask(self) -> int:
        """Its bits within the word."""
        return ((1 << self.width) - 1) << self.low

    @property
    def bits(self) -> str:
        """``31:16``, or ``3`` for a single bit."""
        return str(self.low) if self.width == 1 else f"{self.high}:{self.low}"


@dataclass(frozen=True)
class Register:
    """One word, or with ``is_window`` a row of ``count`` words that the hardware holds elsewhere."""

    name: str
    offset: int
    meaning: str
    fields: tuple[Field, ...]
    is_window: bool = False
    count: int = 1

    @property
    def end(self) -> int:
        """First offset behind it."""
        return self.offset + WORD_BYTES * self.count

    @property
    def reset(self) -> int:
        """The word after reset."""
        return sum(field.reset << field.low for field in self.fields)

    @property
    def is_constant(self) -> bool:
        """Whether every field is known when the hardware is rendered."""
        return all(field.access is Access.CONSTANT for field in self.fields)

    def field(self, name: str) -> Field:
        """The field called ``name``."""
        return next(field for field in self.fields if field.name == name)


@dataclass(frozen=True)
class RegisterMap:
    """All registers in the order of their offsets, checked on construction.

    A window stands at a multiple of its own size rounded up to a power of two, so that its upper
    address bits tell a hit and its lower ones the word.
    """

    name: str
    address_bits: int
    registers: tuple[Register, ...]

    def __post_init__(self) -> None:
        end = 0
        for register in self.registers:
            assert register.offset % WORD_BYTES == 0, register.name
            assert register.offset >= end, f"{register.name} lies on the register before it"
            assert register.offset % window_bytes(register) == 0, register.name
            end = register.end
            low = 0
            for field in register.fields:
                assert field.low >= low, f"{register.name}.{field.name} lies on another field"
                assert 0 <= field.reset < 1 << field.width, f"{register.name}.{field.name}"
                low = field.high + 1
            assert low <= WORD_BITS, register.name
        assert end <= 1 << self.address_bits
        names = [register.name for register in self.registers]
        assert len(set(names)) == len(names)

    def register(self, name: str) -> Register:
        """The register called ``name``."""
        return next(register for register in self.registers if register.name == name)


def window_bytes(register: Register) -> int:
    """Bytes of addresses that a register takes: of a window a power of two, two words or more."""
    return WORD_BYTES << (max(1, (register.count - 1).bit_length()) if register.is_window else 0)


def version_fields(version: str) -> tuple[int, int, int]:
    """Major, minor and patch of a version text, each at most 255."""
    parts = [int("".join(c for c in part if c.isdigit()) or 0) for part in version.split(".")[:3]]
    major, minor, patch = (min(part, 255) for part in (*parts, 0, 0)[:3])
    return major, minor, patch


def digest_words(digest: str) -> tuple[int, ...]:
    """A sha256 in hex as eight words, the first eight digits first."""
    return tuple(int(digest[i : i + 8], 16) for i in range(0, len(digest), 8))


def build_registers(plan: Plan) -> RegisterMap:
    """The register map of ``plan``.

    Raises
    ------
    UserError
        When the network has more classes, channels or samples than a field can tell.
    """
    for what, value, bits in (
        ("classes", plan.classes, _CLASS_BITS),
        ("input channels", plan.input_channels, 16),
        ("samples", plan.samples, WORD_BITS),
        ("cycles a fragment", plan.cycles, WORD_BITS),
        ("samples a beat", plan.samples_per_beat, 8),
    ):
        if value >= 1 << bits:
            raise UserError(
                f"network {plan.name}: {value} {what} do not fit the register map ({bits} bits); "
                "generate it without --axi-lite"
            )
    score_words = plan.result_bits // WORD_BITS
    scores = _scores(plan, score_words)
    registers = (
        *_identity(plan),
        *_shape(plan, score_words),
        *_results(),
        *_interrupts(),
        scores,
    )
    needed = (scores.offset + window_bytes(scores) - 1).bit_length()
    return RegisterMap(plan.name, max(_LEAST_ADDRESS_BITS, needed), registers)


def _word(name: str, offset: int, access: Access, reset: int, meaning: str) -> Register:
    """A register whose one field is the whole word."""
    return Register(
        name, offset, meaning, (Field("value", 0, WORD_BITS, access, reset, "the whole word"),)
    )


def _identity(plan: Plan) -> tuple[Register, ...]:
    constant = Access.CONSTANT
    major, minor, patch = version_fields(plan.generator_version)
    version = Register(
        "version",
        0x004,
        "version of this register map and of the generator",
        (
            Field("patch", 0, 8, constant, patch, "patch of bnn_hw"),
            Field("minor", 8, 8, constant, minor, "minor of bnn_hw"),
            Field("major", 16, 8, constant, major, "major of bnn_hw"),
            Field("layout", 24, 8, constant, LAYOUT, "counts up when a register moves"),
        ),
    )
    digests = (
        _word(
            f"digest{i}",
            0x010 + WORD_BYTES * i,
            constant,
            word,
            f"hex digits {8 * i + 1} to {8 * i + 8} of the network's digest",
        )
        for i, word in enumerate(digest_words(plan.digest))
    )
    return (_word("id", 0x000, constant, MAGIC, '"BNNA" in ASCII'), version, *digests)


def _shape(plan: Plan, score_words: int) -> tuple[Register, ...]:
    constant = Access.CONSTANT
    return (
        Register(
            "shape",
            0x030,
            "classes and input channels",
            (
                Field("classes", 0, 16, constant, plan.classes, "scores of a result"),
                Field(
                    "channels", 16, 16, constant, plan.input_channels, "samples of a sample time"
                ),
            ),
        ),
        _word("samples", 0x034, constant, plan.samples, "sample times of a fragment"),
        Register(
            "format",
            0x038,
            "what the numbers mean",
            (
                Field("input_bits", 0, 8, constant, plan.input_bits, "bits of a sample, signed"),
                Field(
                    "fraction_bits",
                    8,
                    8,
                    constant,
                    plan.head.fraction_bits,
                    "a score is its integer times 2^-fraction_bits",
                ),
                Field("score_words", 16, 8, constant, score_words, "words of a score, low first"),
                Field(
                    "beat_samples",
                    24,
                    8,
                    constant,
                    plan.samples_per_beat,
                    "sample times of a beat, the oldest lowest",
                ),
            ),
        ),
        _word("cycles", 0x03C, constant, plan.cycles, "clock cycles a fragment, back to back"),
    )


def _results() -> tuple[Register, ...]:
    status = Access.STATUS
    return (
        Register(
            "control",
            0x040,
            "holds the result, clears the counters",
            (
                Field(
                    "hold",
                    0,
                    1,
                    Access.CONTROL,
                    0,
                    "1: result and scores stay as they are; results that end meanwhile are counted",
                ),
                Field(
                    "clear",
                    1,
                    1,
                    Access.PULSE,
                    0,
                    "1: counters to 0, no result, no interrupt pending",
                ),
            ),
        ),
        _word("fragments", 0x044, status, 0, "results since reset or clear, wraps"),
        _word("errors", 0x048, status, 0, "those of them whose fragment broke the rules (tuser)"),
        Register(
            "result",
            0x04C,
            "the last result, all of it at once at its last beat",
            (
                Field("class", 0, _CLASS_BITS, status, 0, "index of the class"),
                Field("error", 16, 1, status, 0, "its fragment broke the rules (tuser)"),
                Field("valid", 31, 1, status, 0, "there has been a result"),
            ),
        ),
        _word("result_fragment", 0x050, status, 0, "the count in FRAGMENTS when it ended"),
    )


INTERRUPTS = (
    ("result", "a result has ended"),
    ("error", "a result has ended whose fragment broke the rules (tuser)"),
    ("overrun", "a result has ended while INTERRUPT_RAW.result or CONTROL.hold was set"),
)


def _interrupts() -> tuple[Register, ...]:
    def fields(access: Access) -> tuple[Field, ...]:
        return tuple(
            Field(name, bit, 1, access, 0, meaning)
            for bit, (name, meaning) in enumerate(INTERRUPTS)
        )

    return (
        Register("interrupt_enable", 0x060, "which events raise irq_o", fields(Access.CONTROL)),
        Register(
            "interrupt_status",
            0x064,
            "pending and enabled; a 1 written clears the event, enabled or not",
            fields(Access.CLEAR),
        ),
        Register("interrupt_raw", 0x068, "pending, whether enabled or not", fields(Access.STATUS)),
    )


def _scores(plan: Plan, score_words: int) -> Register:
    """The window of scores, at the first offset that fits its size."""
    count = plan.classes * score_words
    meaning = "score of class 0, 1, ...; signed, 0 before the first result"
    if score_words > 1:
        meaning = f"score of class 0, 1, ..., {score_words} words each, low word first; 0 before the first result"
    field = Field("value", 0, WORD_BITS, Access.STATUS, 0, "the whole word")
    anywhere = Register("score", 0, meaning, (field,), True, count)
    return replace(anywhere, offset=max(_SCORE_OFFSET, window_bytes(anywhere)))
