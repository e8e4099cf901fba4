"""One description, four renderings: hardware, C, Python and the page must tell the same registers."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from bnn_hw.errors import UserError
from bnn_hw.generate.axil import CELL_PREFIX, axil_context, render_axil
from bnn_hw.generate.build import Build, generate, open_build
from bnn_hw.generate.handoff import render_handoff
from bnn_hw.generate.plan import Plan
from bnn_hw.generate.registers import (
    Access,
    Field,
    Register,
    RegisterMap,
    build_registers,
    version_fields,
)
from bnn_hw.generate.rtl import render_rtl
from bnn_hw.simulate.lint import build_files, lint_build
from bnn_hw.verify.levels.manifest import run_manifest
from bnn_hw.verify.subject import Subject
from tests.simulate.nets import little_folding, small_network, small_plan, small_samples

PLAN = small_plan()
MAP = build_registers(PLAN)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    network = small_network()
    target = tmp_path_factory.mktemp("axil") / "build"
    samples = small_samples()[:, None, :]
    return generate(network, little_folding(network), target, samples, axi_lite=True)


def test_the_map_is_this_networks():
    assert bytes.fromhex(f"{MAP.register('id').reset:08x}") == b"BNNA"
    words = [MAP.register(f"digest{i}").reset for i in range(8)]
    assert "".join(f"{word:08x}" for word in words) == PLAN.digest
    assert MAP.register("samples").reset == PLAN.samples
    assert MAP.register("cycles").reset == PLAN.cycles
    assert MAP.register("score").count == PLAN.classes
    assert MAP.address_bits == 12


@pytest.mark.parametrize("classes", [1, 2, 64, 65, 1000, 4096])
@pytest.mark.parametrize("result_bits", [32, 64])
def test_the_window_of_scores_fits_any_number_of_classes(classes, result_bits):
    labels = tuple(f"c{i}" for i in range(classes))
    found = build_registers(replace(PLAN, labels=labels, result_bits=result_bits))
    score = found.register("score")
    assert score.count == classes * result_bits // 32
    assert score.end <= 1 << found.address_bits
    context = axil_context(replace(PLAN, labels=labels, result_bits=result_bits))
    first, last = score.offset // 4, score.end // 4 - 1
    assert first % (1 << context.window_index_bits) == 0
    assert first >> context.window_index_bits == last >> context.window_index_bits
    assert context.window_tag == first >> context.window_index_bits


def test_too_many_classes_are_refused():
    plan = replace(PLAN, labels=("a",) * (1 << 16))
    with pytest.raises(UserError, match="65536 classes do not fit the register map"):
        build_registers(plan)


@pytest.mark.parametrize(
    ("version", "fields"),
    [
        ("0.1.0", (0, 1, 0)),
        ("1.2", (1, 2, 0)),
        ("3.4.5.dev6", (3, 4, 5)),
        ("1.300.2rc1", (1, 255, 21)),
    ],
)
def test_version_fields(version, fields):
    assert version_fields(version) == fields


def _field(low: int, width: int = 1, reset: int = 0) -> Field:
    return Field(f"f{low}", low, width, Access.CONTROL, reset, "")


@pytest.mark.parametrize(
    "registers",
    [
        (Register("a", 0, "", (_field(0),)), Register("b", 0, "", (_field(0),))),
        (Register("a", 2, "", (_field(0),)),),
        (Register("a", 0, "", (_field(0, 4), _field(3))),),
        (Register("a", 0, "", (_field(30, 4),)),),
        (Register("a", 0, "", (_field(0, 2, 4),)),),
        (Register("a", 4, "", (_field(0),), True, 4),),
        (Register("a", 0, "", (_field(0),)), Register("a", 4, "", (_field(0),))),
        (Register("a", 4096, "", (_field(0),)),),
    ],
)
def test_a_map_that_contradicts_itself_is_refused(registers):
    with pytest.raises(AssertionError):
        RegisterMap("x", 12, registers)


def test_without_the_option_nothing_is_added():
    files = render_rtl(PLAN) | render_handoff(PLAN)
    assert not [name for name in files if CELL_PREFIX in name]
    assert not set(files) & set(render_axil(PLAN))
    for name, text in files.items():
        assert "axil" not in text and "AXI4-Lite" not in text, name


def test_the_option_adds_files_and_changes_only_the_list_and_the_page():
    before = render_rtl(PLAN) | render_handoff(PLAN)
    after = render_rtl(PLAN, True) | render_handoff(PLAN, True)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {
        "rtl/files.f",
        "handoff/HANDOFF.md",
    }
    assert sorted(set(after) - set(before)) == [
        "rtl/bnn_axil.sv",
        "rtl/bnn_axil_interrupt.sv",
        "rtl/bnn_axil_results.sv",
    ]


def test_the_build_folder_knows_its_registers(build):
    again = open_build(build.path)
    assert again.axi_lite and again.top == build.top == "little_axil_top"
    names = [file.name for file in build_files(build.path)]
    assert names[-3:] == ["little_top.sv", "little_registers.sv", "little_axil_top.sv"]
    listed = json.loads((build.path / "manifest.json").read_text())
    assert listed["axi_lite"] is True
    for name in render_axil(build.plan):
        assert name in listed["files"]


def test_verify_covers_what_was_added(build, tmp_path):
    subject = Subject(build.network, build, None, None)
    outcome = run_manifest(subject, 0)
    assert outcome.mismatches == 0
    registers = build.path / "rtl" / "little_registers.sv"
    text = registers.read_text()
    registers.write_text(text.replace("written[0]", "written[1]", 1))
    try:
        assert run_manifest(subject, 0).first == "rtl/little_registers.sv differs from its manifest"
    finally:
        registers.write_text(text)


def test_lint_reads_the_registers(build, tmp_path):
    found = lint_build(build.path, build.top)
    assert all(result.clean and result.files == len(build_files(build.path)) for result in found)


def test_a_layer_called_registers_has_another_module(tmp_path):
    network = small_network()
    layers = list(network.layers)
    layers[0] = replace(layers[0], name="registers")
    renamed = replace(network, layers=tuple(layers))
    plan = small_plan_of(renamed)
    names = [name for name in (render_rtl(plan, True) | render_axil(plan)) if "registers" in name]
    assert sorted(names) == ["rtl/little_registers.sv", "rtl/little_registers_stage.sv"]


def small_plan_of(network) -> Plan:
    from bnn_hw.generate.folding import fastest
    from bnn_hw.generate.plan import build_plan

    return build_plan(network, fastest(network))


# ---- the renderings against the description -----------------------------------------------------


def _header_macros(text: str) -> dict[str, int]:
    found = re.findall(r"^#define LITTLE_(\w+) (0x[0-9a-f]+|\d+)u$", text, re.MULTILINE)
    return {name: int(value, 0) for name, value in found}


def test_header_and_description_agree():
    macros = _header_macros(render_axil(PLAN)["handoff/little_regs.h"])
    for register in MAP.registers:
        upper = register.name.upper()
        assert macros.pop(f"{upper}_OFFSET") == register.offset
        if register.is_window:
            assert macros.pop(f"{upper}_WORDS") == register.count
            continue
        assert macros.pop(f"{upper}_RESET") == register.reset
        for field in register.fields:
            if field.name != "value":
                assert macros.pop(f"{upper}_{field.name.upper()}_MASK") == field.mask
                assert macros.pop(f"{upper}_{field.name.upper()}_SHIFT") == field.low
    assert set(macros) == {
        "ADDRESS_BYTES",
        "CLASSES",
        "SAMPLES",
        "CHANNELS",
        "INPUT_BITS",
        "FRACTION_BITS",
        "SCORE_BYTES",
    }


def test_driver_and_description_agree():
    module = ast.parse(render_axil(PLAN)["handoff/little_driver.py"])
    values = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in module.body
        if isinstance(node, ast.Assign)
    }
    assert values["REGISTERS"] == {r.name: r.offset for r in MAP.registers}
    assert values["FIELDS"] == {
        (r.name, f.name): (f.low, f.width)
        for r in MAP.registers
        for f in r.fields
        if f.name != "value"
    }
    assert values["CONSTANTS"] == {r.name: r.reset for r in MAP.registers if r.is_constant}
    assert values["LABELS"] == PLAN.labels and values["DIGEST"] == PLAN.digest
    imported = {
        name.name.split(".")[0]
        for node in module.body
        if isinstance(node, ast.Import)
        for name in node.names
    }
    assert "pynq" not in imported


def test_page_and_description_agree():
    page = render_handoff(PLAN, True)["handoff/HANDOFF.md"]
    for register in MAP.registers:
        assert f"| 0x{register.offset:03x} | `{register.name}` |" in page
        for field in register.fields:
            if field.name != "value":
                assert f"| {field.bits} | `{field.name}` | {field.access.value} |" in page
    assert "## Registers" not in render_handoff(PLAN)["handoff/HANDOFF.md"]


def test_the_notebook_is_one():
    """The structure that nbformat 4.5 asks for, and code that Python can parse."""
    book = json.loads(render_axil(PLAN)["handoff/little.ipynb"])
    assert set(book) == {"cells", "metadata", "nbformat", "nbformat_minor"}
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    assert book["metadata"]["kernelspec"]["name"] == "python3"
    ids = [cell["id"] for cell in book["cells"]]
    assert len(set(ids)) == len(ids) and all(re.fullmatch(r"[\w-]{1,64}", i) for i in ids)
    kinds = set()
    for cell in book["cells"]:
        kinds.add(cell["cell_type"])
        wanted = {"cell_type", "id", "metadata", "source"}
        if cell["cell_type"] == "code":
            assert cell["execution_count"] is None and cell["outputs"] == []
            wanted |= {"execution_count", "outputs"}
            ast.parse("".join(cell["source"]))
        assert set(cell) == wanted
        assert all(line.endswith("\n") for line in cell["source"][:-1])
    assert kinds == {"code", "markdown"}


# ---- the C example on this host -----------------------------------------------------------------

_FLAGS = "-x c -std=c11 -Wall -Wextra -Werror -pedantic".split()


def _compile(build: Build, target: Path, *more: object) -> str:
    command = ["g++", *_FLAGS, *map(str, more), str(build.path / "handoff/main.c"), "-o", target]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return str(target)


@pytest.mark.parametrize("defined", [(), ("-DLITTLE_USE_INTERRUPT",), ("-DLITTLE_RESULTS=5u",)])
def test_the_c_example_compiles_as_it_is(build, tmp_path, defined):
    _compile(build, tmp_path / "example", *defined)


def _memory(**registers: int) -> str:
    """A header with the registers as an array in memory, as a stranger would put them there."""
    words = {r.offset // 4: r.reset for r in MAP.registers if not r.is_window}
    words |= {MAP.register(name).offset // 4: value for name, value in registers.items()}
    scores = MAP.register("score")
    words |= {scores.offset // 4 + i: (-7 + i) & 0xFFFFFFFF for i in range(scores.count)}
    values = ", ".join(f"[{index}] = {value:#x}u" for index, value in sorted(words.items()))
    return (
        "#include <stdint.h>\n"
        f"static volatile uint32_t simulated_registers[1024] = {{{values}}};\n"
        "#define LITTLE_BASE simulated_registers\n"
        "#define LITTLE_RESULTS 1u\n"
    )


def _run_on(build: Build, tmp_path: Path, **registers: int) -> tuple[int, str]:
    header = tmp_path / "memory.h"
    header.write_text(_memory(**registers))
    program = _compile(build, tmp_path / "example", "-include", header)
    done = subprocess.run([program], capture_output=True, text=True, timeout=20)
    return done.returncode, done.stdout


@pytest.mark.parametrize(("error", "said"), [(0, ""), (1, ", broken fragment")])
def test_the_c_example_reads_registers_in_memory(build, tmp_path, error, said):
    result = 1 << 31 | error << 16 | 2
    status, out = _run_on(
        build, tmp_path, result=result, result_fragment=9, fragments=9, errors=error
    )
    assert status == 0
    assert out == (f"fragment 9: class 2, c, score -5{said}\n9 fragments, {error} of them broken\n")


def test_the_c_example_refuses_another_network(build, tmp_path):
    other = MAP.register("digest1").reset ^ 1
    status, out = _run_on(build, tmp_path, digest1=other)
    assert (status, out) == (1, "no little of this version at its base address\n")
