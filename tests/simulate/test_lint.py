from pathlib import Path

import pytest

from bnn_hw.cli.models import find_model
from bnn_hw.errors import UserError
from bnn_hw.generate.build import generate
from bnn_hw.generate.choose import choose_folding
from bnn_hw.simulate import lint
from bnn_hw.verify.fragments import demo_samples

CLEAN = """module inverter (
  input  logic [3:0] a_i,
  output logic [3:0] b_o
);
  assign b_o = ~a_i;
endmodule
"""

# What is planted, and the front ends that must say something about it.
PLANTED = {
    "width": (CLEAN.replace("~a_i", "5'(a_i) + 5'd1"), {"verilator"}),
    "overflow": (CLEAN.replace("~a_i", "a_i ^ 4'd19"), {"verilator", "icarus", "slang", "yosys"}),
    "unknown module": (
        CLEAN.replace("endmodule", "  missing u_missing ();\nendmodule"),
        {"verilator", "icarus", "slang", "yosys"},
    ),
    "two drivers": (
        CLEAN.replace("endmodule", "  assign b_o = a_i;\nendmodule"),
        {"slang", "yosys"},
    ),
    "latch": (
        CLEAN.replace("assign b_o = ~a_i;", "always_comb if (a_i[0]) b_o = a_i;"),
        {"verilator", "yosys"},
    ),
    "syntax": (CLEAN.replace("assign b_o", "assign assign b_o"), set(lint.FRONT_ENDS)),
    "loop": (
        CLEAN.replace("assign b_o = ~a_i;", "assign b_o = b_o ^ a_i;"),
        {"verilator", "yosys"},
    ),
}


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "inverter.sv"
    path.write_text(text)
    return path


def test_a_clean_file_is_clean_everywhere(tmp_path):
    found = lint.lint_files("inverter", [write(tmp_path, CLEAN)])
    assert [result.front_end for result in found] == list(lint.FRONT_ENDS)
    assert all(result.clean and result.files == 1 for result in found), found


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_told(tmp_path, fault):
    text, by = PLANTED[fault]
    found = {r.front_end: r for r in lint.lint_files("inverter", [write(tmp_path, text)])}
    said = {name for name, result in found.items() if not result.clean}
    assert by <= said, {name: result.messages for name, result in found.items()}
    assert all(found[name].messages for name in said)


def test_no_file_and_a_missing_file_are_not_clean(tmp_path):
    for files in ([], [tmp_path / "none.sv"]):
        found = lint.lint_files("inverter", files)
        assert len(found) == len(lint.FRONT_ENDS)
        assert not any(result.clean for result in found)


def test_a_wrong_top_is_not_clean(tmp_path):
    found = lint.lint_files("other", [write(tmp_path, CLEAN)])
    assert not any(result.clean for result in found), found


def test_no_cell_is_not_clean(tmp_path):
    assert not any(result.clean for result in lint.lint_cells(tmp_path))


def test_a_file_list_must_stay_inside_the_build(tmp_path):
    (tmp_path / "rtl").mkdir()
    listed = tmp_path / "rtl" / "files.f"
    with pytest.raises(UserError, match="can't be read"):
        lint.build_files(tmp_path)
    listed.write_text("// comment\na.sv\n\nb.sv\n")
    assert lint.build_files(tmp_path) == [tmp_path / "rtl" / "a.sv", tmp_path / "rtl" / "b.sv"]
    listed.write_text("../../secret.sv\n")
    with pytest.raises(UserError, match="lies outside"):
        lint.build_files(tmp_path)


def test_cells_below_a_cell_are_found():
    from bnn_hw.assets import rtl_dir

    names = [file.stem for file in lint.cell_files("bnn_threshold", rtl_dir())]
    assert names[-1] == "bnn_threshold"
    assert {"bnn_rom", "bnn_counter"} < set(names)
    assert len(names) == len(set(names))


@pytest.mark.parametrize("cell", lint.cells())
def test_every_cell_is_clean_alone_in_every_front_end(cell):
    from bnn_hw.assets import rtl_dir

    for result in lint.lint_files(cell, lint.cell_files(cell, rtl_dir())):
        assert result.clean, result


@pytest.mark.parametrize("fold", ["smallest", "fastest"])
def test_every_front_end_reads_the_extreme_foldings(tmp_path, fold):
    """Thousands of weight words, or thousands of lanes: no front end's limit is in the way."""
    network = find_model("ecg17").network
    folding = choose_folding(network, folds=(fold,))
    if fold == "smallest":
        assert max(f.steps(b) for b, f in zip(network.blocks, folding.folds, strict=True)) > 4000
    build = generate(network, folding, tmp_path / "build", demo_samples(network, 1))
    for result in lint.lint_build(build.path, build.plan.name + "_top"):
        assert result.clean, result
