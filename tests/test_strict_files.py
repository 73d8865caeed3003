"""Every kind of file that people write means one thing only, or is refused with file and line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from batsort_bringup import runner, urdf
from batsort_hardware import reference_plc
from batsort_perception.bundle import FILE as BUNDLE_FILE
from batsort_perception.bundle import Bundle, BundleError, default_bundle
from batsort_training.label_list import LabelList, LabelsError, default_labels
from batsort_trials import demo

CONFIG = Path(__file__).parents[1] / "config"


def cell(file: Path) -> int:
    return urdf.main(["--cell", str(file)])


def scenario(file: Path) -> int:
    return demo.main(["--scenario", str(file), "--report", str(file.parent / "report")])


def hardware(file: Path) -> int:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        words = ("--cell-file", str(CONFIG / "cell.yaml"), "--hardware-file", str(file))
        patch.setattr(sys, "argv", ["reference_plc", *words])
        reference_plc.main()
    return int(str(ended.value.code))


def parameters(file: Path) -> int:
    return runner.main(["cell", f"params_file:={file}"])


def labels(file: Path) -> int:
    try:
        LabelList.load(file)
    except LabelsError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def bundle(file: Path) -> int:
    try:
        Bundle.load(file.parent)
    except BundleError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


KINDS: dict[str, tuple[Callable[[Path], int], Path]] = {
    "cell": (cell, CONFIG / "cell.yaml"),
    "scenario": (scenario, CONFIG / "scenarios" / "air_lost.yaml"),
    "hardware": (hardware, CONFIG / "hardware" / "plc" / "hardware.yaml"),
    "parameters": (parameters, CONFIG / "nodes.yaml"),
    "labels": (labels, default_labels()),
    "bundle": (bundle, default_bundle() / BUNDLE_FILE),
}
ADDED = {
    "a key given twice": ("twice: 1\ntwice: 2\n", 2, "twice: given twice, 1 in line "),
    "a key hidden by a merge": (
        "a: &a {k: 1}\nb: {<<: *a, k: 2}\n",
        2,
        "b.k: given twice by a merge, 1 in line ",
    ),
    "a second document": ("---\n{}\n", 1, "document: another begins in line "),
    "an octal number": ("odd: 010\n", 1, "odd: 010 is refused, since YAML reads it as 8; "),
    "a number that is read as a text": ("odd: 1e-4\n", 1, "odd: 1e-4 is refused, since "),
    "a word that is read as a truth": ("odd: off\n", 1, "odd: off is refused, since YAML "),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("added", ADDED)
def test_a_file_that_may_mean_two_things_is_refused_with_file_line_and_field(
    kind: str, added: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    use, shipped = KINDS[kind]
    text = shipped.read_text(encoding="utf-8")
    more, line, told = ADDED[added]
    file = tmp_path / shipped.name
    file.write_text(f"{text}{more}", encoding="utf-8")
    assert use(file) == 2
    said = capfd.readouterr().err.splitlines()[-1]
    assert f"{file}:{text.count(chr(10)) + line}: {told}" in said
