"""The cell benches: one for every cell, and each catches what is planted in its cell.

A bench that passes over a broken cell would prove nothing; so single faults are planted in a copy of
the cells, and the bench of that cell must fail.
"""

import re
import shutil

import pytest

from bnn_hw.assets import rtl_dir
from bnn_hw.simulate import __main__ as command
from bnn_hw.simulate import benches
from bnn_hw.simulate.cocotb_runner import Simulator

# Cell, text in its file, and what takes its place.
FAULTS = {
    "fifo loses order": ("fifo", r"words_q\[read_pointer\]", "words_q[0]"),
    "fifo takes a word too many": ("fifo", r"CountBits'\(Depth - 1\)", "CountBits'(Depth)"),
    "fifo without room for what is on its way": ("fifo", r"Depth - Skid - 1", "Depth - 1"),
    "fifo takes what is on its way only with ready": ("fifo", r" \|\| Skid > 0", ""),
    "bits added up between steps": ("mvu_bits", r"step_valid \|\| ", "1'b1 || "),
    "integers added up between steps": ("mvu_int", r"step_valid \|\| ", "1'b1 || "),
    "steps that do not wait for room": ("mvu_bits", r"go     = out_ready_i", "go     = 1'b1"),
    "digits that wait within a window": (
        "mvu_digits",
        r"take = in_valid_i & \(go \| [^;]*",
        "take = in_valid_i & go",
    ),
    "opposite weights of another adder": ("shared_adders", r"\{2\{~Own\[0\]\}\}", "{2{Own[0]}}"),
    "adders of a narrow last column": ("shared_adders", r"\(Count == 3\) \? Own", "(1 == 1) ? Own"),
    "shared adders not inverted": (
        "mvu_bits",
        r"Depth == 1 && Ways \*",
        "Depth == 1 && Ways == 1 && Ways *",
    ),
    "window without left padding": ("window", r"\{PadWord\}", "{WordBits'(0)}"),
    "window with zeros on the right": ("window", r": PadWord;", ": WordBits'(0);"),
    "window keeps its valid over a reset": ("window", r"valid_q <= 1'b0;", "valid_q <= valid_q;"),
    "wide window begins at its beat": (
        "window_wide",
        r"beats\[Offset\*WordBits\+:",
        "beats[0+:",
    ),
    "wide window pads with zeros": ("window_wide", r"\{Safe\{PadWord\}\}", "'0"),
    "ring without padding": ("window_ram", r": PadSlice;", ": in_data_i;"),
    "ring starts a window a word early": (
        "window_ram",
        r"level_q >= LevelBits'\(Kernel\)",
        "level_q >= LevelBits'(Kernel - 1)",
    ),
    "ring takes a word too many": ("window_ram", r"& ~full;", ";"),
    "ring forgets what a fragment leaves": (
        "window_ram",
        r"LevelBits'\(-Kernel\)",
        "LevelBits'(-Stride)",
    ),
    "ring keeps its words over a reset": (
        "window_ram",
        r"level_q          <= '0;",
        "level_q <= level_q;",
    ),
    "ring reads a window once": ("window_ram", r"PositionBits'\(1 - Kernel\)", "PositionBits'(1)"),
    "ring writes parts in one place": (
        "window_ram",
        r"position_q, write_part\}",
        "position_q, {PartBits{1'b0}}}",
    ),
    "ring begins before a fragment does": (
        "window_ram",
        r"\(in_valid_i \| ~waits_q\)",
        "(in_valid_i | ~takes_input_q)",
    ),
    "weights in block RAM a word off": ("weights", r"words\[step_i\]", "words[0]"),
    "weights in LUTs not held": ("weights", r"if \(en_i\) word_q <= word\[", "word_q <= word["),
    "digits keep the carry of the number before": (
        "digit_add",
        r"first_i \? Minus : carry_q",
        "carry_q",
    ),
    "digits of opposite lanes": ("digit_tree", r"\? 0 : 1", "? 0 : 0"),
    "digits without the sign of a lane": (
        "mvu_digits",
        r"Weights\[p\*Simd\] == 1'b1",
        "Weights[0] == Weights[0]",
    ),
    "digits of a window mixed": ("mvu_digits", r"\{top, lower_q\}", "{lower_q, top}"),
    "second pair of coefficient bits unshifted": ("head", r"<<< 2\)", "<<< 1)"),
    "delay in memory one short": (
        "delay_ram",
        r"line_q\[next_entry\]",
        "line_q[entry_i]",
    ),
    "pool mixes its windows in memory": ("pool", r"data_i \(next\)", "data_i ({Open{next[0]}})"),
    "threshold excludes equality": ("threshold", r">= \(threshold", "> (threshold"),
    "threshold compares signed as unsigned": ("threshold", r"Signed == 1", "Signed == 2"),
    "decide ignores the high side": ("decide", r"& ~in_data_i\[2\*Pe-1:Pe\]", ""),
    "decide without polarity": ("decide", r"\^ invert;", ";"),
    "pool compares signed as unsigned": ("pool", r"Signed == 1", "Signed == 2"),
    "pool sends a window early": (
        "pool",
        r"PositionBits'\(Size - 1\)",
        "PositionBits'(Size / 2)",
    ),
    "collect forgets the order": (
        "collect",
        r"word = \{in_data_i, beats_q\}",
        "word = {beats_q, in_data_i}",
    ),
    "centre off by one": ("centre", r"- LaneBits'\(FanIn\)", "- LaneBits'(FanIn - 1)"),
    "narrow starts at the top": ("narrow", r"parts_q\[part\]", "parts_q[Factor-1-part]"),
    "framer does not flag a short fragment": (
        "framer",
        r"\| \(state_q == Fill\) \| outside \| \(s_axis_tlast != last_sample\)",
        "| outside | (~s_axis_tlast & last_sample)",
    ),
    "framer forgets samples out of range": ("framer", r"\| outside \|", "|"),
    "framer drops nothing": ("framer", r"\? Drop : Pass", "? Pass : Pass"),
    "framer keeps its flag": ("framer", r"broken_d & ~last_sample", "broken_d"),
    "head takes the last of equal scores": ("head", r"> \(best_q", ">= (best_q"),
    "head compares scores as unsigned": ("head", r"best_q \^ ScoreSign", "best_q"),
    "head loses a score that waits": ("head", r"\(~at_offset_q \| room_q\)", "1'b1"),
    "head forgets that a score has left": ("head", r"sent_score \| \(room_q", "(room_q"),
    "head without offset": ("head", r"TermBits'\(offset\)", "TermBits'(0)"),
    "head shares one sum": ("head", r"\? old_plus : sum", "? sum : sum"),
    "head keeps the peak of the fragment before": (
        "head",
        r"first_position \|\| \(value",
        "1'b0 || (value",
    ),
    "head takes the smallest sum for the peak": ("head", r"> \(old", "< (old"),
    "head counts the peak once": ("head", r" << \$clog2\(PeakWeight\)", ""),
    "head adds no peak": ("head", r"== 0\) \? Score : AddPeak", "== 0) ? Score : Score"),
    "head sends a wrong flag": ("head", r"(m_axis_tuser\s*)= err_data_i", r"\1= 1'b0"),
    "counter runs on": ("counter", r"last_[oq] \? '0 : value_q", "value_q"),
}


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """Plant a fault in a copy of the cells and point the benches at it."""

    def plant(cell: str, old: str, new: str) -> None:
        folder = tmp_path / "rtl"
        shutil.copytree(rtl_dir(), folder)
        path = folder / f"bnn_{cell}.sv"
        text, planted_times = re.subn(old, new, path.read_text())
        assert planted_times, f"bnn_{cell}.sv does not hold {old!r}: plant the fault anew"
        path.write_text(text)
        monkeypatch.setattr(benches, "rtl_dir", lambda: folder)

    return plant


def test_every_cell_has_a_bench_and_every_bench_a_cell():
    assert sorted(benches.cell_benches()) == benches.cell_names()


def test_every_bench_crosses_parameters_and_refuses_some():
    for name in benches.cell_benches():
        bench = benches.bench_module(f"cells.test_{name}").BENCH
        assert bench.cell == f"bnn_{name}"
        assert len(bench.cases) >= 4, name
        assert len(set(bench.names)) == len(bench.cases), name
        assert bench.illegal, f"{name} refuses nothing"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_fails_the_bench(planted, tmp_path, fault):
    cell, old, new = FAULTS[fault]
    planted(cell, old, new)
    found = benches.run_cell(cell, Simulator.ICARUS, tmp_path / "work")
    assert found.tests > 0, found.verdict
    assert found.failed, f"the bench of {cell} passes: {found.verdict}"


def test_a_bench_passes_over_the_cells_as_they_are(tmp_path):
    found = benches.run_cell("threshold", Simulator.ICARUS, tmp_path)
    assert found.passed, found.verdict


@pytest.mark.parametrize("simulator", Simulator)
def test_illegal_parameters_are_refused(tmp_path, simulator):
    found = benches.run_illegal("window", simulator, tmp_path)
    assert found.passed and found.tests >= 7


def test_a_cell_that_takes_illegal_parameters_fails(planted, tmp_path):
    planted("collect", r"if \(Pe < 1 \|\| Nf < 1\)", "if (Pe < 0)")
    found = benches.run_illegal("collect", Simulator.ICARUS, tmp_path)
    assert not found.passed and found.failed


def test_a_cell_without_a_bench_fails(tmp_path):
    assert not benches.run_cell("nothing", Simulator.ICARUS, tmp_path).passed


def test_the_command_runs_what_it_is_asked_for(tmp_path, capsys):
    assert command.main(["--only", "^(counter|counter, illegal)$", "--work", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "[2/2] counter" in shown and "counter, illegal: passed" in shown
    assert f"results, logs and builds: {tmp_path / 'icarus'}" in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--only", "no such bench"], "matches no bench; there are: "),
        (["--only", "("], "is no regular expression"),
        (["--only", "network other", "--model", "other"], "neither a shipped network"),
    ],
)
def test_wrong_use_is_one_line_and_status_2(tmp_path, capsys, words, said):
    assert command.main([*words, "--work", str(tmp_path)]) == 2
    errors = capsys.readouterr().err
    assert said in errors and errors.count("\n") == 1
