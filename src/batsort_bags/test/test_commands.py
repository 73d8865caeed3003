"""`./cell replay` and `./cell golden` as they are typed."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import pytest
from runs import CELL_FILE, Run, write

from batsort_bags.__main__ import main
from batsort_bags.golden import judge, write_anew
from batsort_bags.reader import Bag
from batsort_perception.bundle import Bundle, default_bundle

GOLDEN = Path(__file__).parents[3] / "tests" / "golden"
PHOTOGRAPHED = GOLDEN / "photographed"


def test_a_bag_that_is_replayed_the_same_ends_with_0_and_says_so(
    bag: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", str(bag)]) == 0
    said = capsys.readouterr().out
    assert said.rstrip().endswith("the same, bit for bit")
    assert f"{len(run.decisions)} items" in said


def test_a_bag_that_is_not_replayed_the_same_ends_with_1_and_names_the_first_difference(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = [
        (topic, stamp, replace(m, bin="klarus") if topic == "items/decisions" else m)
        for topic, stamp, m in run.said
    ]
    assert main(["replay", str(write(tmp_path / "bag", said))]) == 1
    printed = capsys.readouterr().out
    wrong = next(i for i, d in run.decisions.items() if d.bin != "klarus")
    assert f"differs first at item {wrong}, decision:" in printed


def test_a_cut_bag_says_so_and_does_not_pass_for_the_same(
    checked: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = checked.read_bytes()
    (tmp_path / "cut.mcap").write_bytes(data[: len(data) * 3 // 4])
    assert main(["replay", str(tmp_path / "cut.mcap")]) == 1
    said = capsys.readouterr().out
    assert "read up to there" in said
    assert said.rstrip().endswith("the same as far as the bag can be read")


def test_a_report_has_every_item_in_json_and_every_changed_one_on_a_page(
    bag: Path, run: Run, tmp_path: Path
) -> None:
    words = ["replay", str(bag), "--threshold", "0.95", "--report", str(tmp_path)]
    assert main(words) == 0
    found = json.loads((tmp_path / "replay.json").read_text())
    assert found["items"].keys() == {str(i) for i in run.decisions}
    changed = [name for name, item in found["items"].items() if item["changed"]]
    page = (tmp_path / "replay.html").read_text()
    assert changed
    assert all(name in page for name in changed)
    counts = [sum(bin[when]["count"] for bin in found["bins"].values()) for when in ("then", "now")]
    assert counts == [len(run.decisions)] * 2


def test_a_changed_cell_is_told_by_its_file(
    bag: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strict = tmp_path / "strict.yaml"
    strict.write_text(CELL_FILE.read_text().replace("threshold: 0.8", "threshold: 1.0"))
    assert main(["replay", str(bag), "--cell", str(strict)]) == 0
    said = capsys.readouterr().out
    assert "-> " in said
    assert "(low_confidence)" in said


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["--threshold", "1.5"], "--threshold: 1.5 is refused; allowed: 0 to 1"),
        (["--from", "-1"], "--from: -1.0 is refused"),
        (["--from", "3", "--to", "2"], "--to: 2.0 is refused; allowed: more than --from 3"),
        (["--threads", "0"], "--threads: 0 is refused"),
        (["--where", "confidence < 0.8"], "--where: confidence < 0.8 is refused; allowed: beside"),
        (["--cell", "/nowhere.yaml"], "--cell: /nowhere.yaml can't be read"),
        (["--bundle", "/nowhere"], "/nowhere/bundle.yaml"),
        (["--crops", "CROPS"], "no images in it"),
        (["--namespace", "left"], "namespace: 'left' is refused; allowed: /"),
        (["--crops", "CROPS", "--where", "open('x')"], "where: \"open('x')\" is refused"),
        (["--crops", "CROPS", "--where", "colour == 1"], "where: 'colour' is refused"),
        (["--crops", "CROPS", "--where", "type < 3"], "where: 'type < 3' is refused"),
        (["--crops", "CROPS", "--where", "1 +"], "where: '1 +' is refused"),
    ],
)
def test_what_can_t_be_is_refused_in_one_line(
    bag: Path, tmp_path: Path, words: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [word.replace("CROPS", str(tmp_path / "crops")) for word in words]
    assert main(["replay", str(bag), *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert named in line
    assert not (tmp_path / "crops").exists()


@pytest.mark.parametrize("bag", sorted(GOLDEN.glob("*/metadata.yaml")), ids=lambda p: p.parent.name)
def test_a_golden_bag_is_decided_as_it_was(bag: Path) -> None:
    assert main(["golden", "check", "--folder", str(bag.parents[1])]) == 0


def replayed(seed: str, threads: str, out: Path) -> dict[str, object]:
    """A recomputed golden bag in a process of its own."""
    done = subprocess.run(
        [
            *(sys.executable, "-P", "-m", "batsort_bags", "replay", PHOTOGRAPHED),
            *("--recompute", "--threads", threads, "--report", out),
        ],
        env={**os.environ, "PYTHONHASHSEED": seed, "OPENBLAS_NUM_THREADS": threads},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, object] = json.loads((out / "replay.json").read_text())
    return found


def test_hash_seeds_and_threads_change_no_bit_of_a_recomputed_verdict(tmp_path: Path) -> None:
    first = replayed("0", "1", tmp_path / "a")
    second = replayed("7", "2", tmp_path / "b")
    third = replayed("1234", "4", tmp_path / "c")
    assert first == second == third
    assert first["same"] is True
    assert first["judged_again"] == len(first["items"])


def test_crops_are_written_in_a_folder_per_true_type(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", str(PHOTOGRAPHED), "--crops", str(tmp_path), "--where", "item > 0"]) == 0
    files = list(tmp_path.glob("*/*.png"))
    with Bag(PHOTOGRAPHED) as bag:
        truths = {m.item_id: m.type for m in map(bag.decode, bag.messages(["twin/truth"]))}
    assert {int(file.stem): file.parent.name for file in files} == {
        item_id: kind or "Other" for item_id, kind in truths.items()
    }
    assert all(cv2.imread(str(file)).shape == (256, 256, 3) for file in files)
    assert f"{len(files)} pictures" in capsys.readouterr().out


def test_a_condition_chooses_the_crops(tmp_path: Path) -> None:
    words = ["replay", str(PHOTOGRAPHED), "--crops", str(tmp_path), "--where"]
    assert (
        main([*words, "reason == 'sort' and not novelty > 1 and bin in ('klarus', 'gp_alk')"]) == 0
    )
    assert {file.parent.name for file in tmp_path.glob("*/*.png")} <= {"Klarus", "GP_Alk"}


def test_an_update_shows_the_difference_and_writes_only_when_agreed(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The record says that one item went elsewhere than this version decides."""
    wrong = next(i for i, d in run.decisions.items() if d.reason == "sort")
    said = [
        (
            topic,
            stamp,
            replace(m, bin="others", reason="late")
            if topic == "items/decisions" and m.item_id == wrong
            else m,
        )
        for topic, stamp, m in run.said
    ]
    write(tmp_path / "golden" / "made", said)
    words = ["golden", "update", "--folder", str(tmp_path / "golden")]
    before = (tmp_path / "golden" / "made" / "made.mcap").read_bytes()
    assert main(words) == 2
    captured = capsys.readouterr()
    assert f"differs first at item {wrong}" in captured.out
    assert "not replaced, since nobody can be asked" in captured.err
    assert (tmp_path / "golden" / "made" / "made.mcap").read_bytes() == before
    assert main([*words, "--yes"]) == 0
    assert main(["golden", "check", "--folder", str(tmp_path / "golden")]) == 0
    assert main(["replay", str(tmp_path / "golden" / "made")]) == 0


def test_a_damaged_golden_bag_is_refused_and_stays(
    checked: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = checked.read_bytes()
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "metadata.yaml").write_text("")
    (tmp_path / "made" / "made.mcap").write_bytes(data[: len(data) // 2])
    assert main(["golden", "update", "--yes", "--folder", str(tmp_path)]) == 2
    assert "is damaged" in capsys.readouterr().err
    assert (tmp_path / "made" / "made.mcap").read_bytes() == data[: len(data) // 2]


def test_an_update_judges_pictures_anew_and_changes_no_input(tmp_path: Path) -> None:
    shutil.copytree(PHOTOGRAPHED, tmp_path / "golden" / "photographed")
    path = tmp_path / "golden" / "photographed"
    inputs = ("belt/encoder", "belt/barrier", "belt/state", "ejector/input_order")
    with Bag(path) as bag:
        before = list(bag.messages(inputs))
    assert main(["golden", "update", "--yes", "--folder", str(tmp_path / "golden")]) == 0
    with Bag(path) as bag:
        assert list(bag.messages(inputs)) == before


def test_a_bag_written_anew_keeps_messages_of_the_version_before(tmp_path: Path) -> None:
    bundle = Bundle.load(default_bundle())
    with Bag(GOLDEN / "fast") as old:
        write_anew(old, judge(old, bundle), bundle, tmp_path / "new")
        then = [old.decode(one) for one in old.messages(["twin/truth"])]
    with Bag(tmp_path / "new") as new:
        now = [new.decode(one) for one in new.messages(["twin/truth"])]
    assert [(t.item_id, t.bin, t.place, t.blown) for t in now] == [
        (t.item_id, t.bin, t.place, t.blown) for t in then
    ]
