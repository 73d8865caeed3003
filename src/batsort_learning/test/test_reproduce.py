import json
import sys
from importlib.util import find_spec
from types import SimpleNamespace
from urllib.error import URLError

import cv2
import numpy as np
import pytest

from batsort_learning.__main__ import main
from batsort_learning.run_log import RunLog
from batsort_training.data import DataError


@pytest.fixture
def photos(tmp_path):
    rng = np.random.default_rng(0)
    for label in ("Blue", "Green", "Other"):
        folder = tmp_path / "photos" / label
        folder.mkdir(parents=True)
        for i in range(10):
            image = rng.integers(0, 256, (40, 80, 3), np.uint8)
            assert cv2.imwrite(str(folder / f"{i}.png"), image)
    return tmp_path / "photos"


class Learner:
    """Tells twice as many photos right with knowledge; notes what it was asked for."""

    asked = ()
    interrupt_at = None

    def __init__(self, name, initial, opened, images, labels, weights):
        self.case = (initial, opened)
        assert images.shape == (len(labels), 244, 244, 3)

    def run(self, division, stages, seed, logs):
        if len(self.asked) == self.interrupt_at:
            raise KeyboardInterrupt
        type(self).asked += ((*self.case, seed, tuple(stage.epochs for stage in stages)),)
        epochs = len(self.asked)
        course = {k: [0.5] * epochs for k in ("accuracy", "loss", "val_accuracy", "val_loss")}
        right = 4 if self.case[0] == "imagenet" else 2
        return SimpleNamespace(right=right, history=[course, course])


@pytest.fixture
def learner(monkeypatch):
    """Networks that need no TensorFlow."""
    monkeypatch.setattr(Learner, "asked", ())
    fake = SimpleNamespace(Learner=Learner, deterministic=lambda: None)
    monkeypatch.setitem(sys.modules, "batsort_learning.transfer", fake)
    return Learner


def study(name, photos, out, *more):
    words = ["--photos", str(photos), "--out", str(out), "--backbone", "efficientnet-lite0"]
    return main(["reproduce", name, *words, "--runs", "3", *more])


def test_table1_compares_with_the_paper_on_the_same_test_photos(learner, photos, tmp_path, capsys):
    out = tmp_path / "out"
    assert study("table1", photos, out) == 0
    text = capsys.readouterr().out
    assert "With knowledge 2.00 times" in text
    assert "92.1" in text
    assert (out / "table1.md").read_text() in text
    assert max(map(len, text.splitlines())) <= 100
    assert (out / "table1.png").stat().st_size > 10_000
    known, random = json.loads((out / "table1.json").read_text())["rows"]
    assert known["pooled"]["tested"] == random["pooled"]["tested"] == 12
    assert known["mean"] == pytest.approx(1.0)
    assert random["paper"]["best"] is None
    seeds = {
        kind: [seed for case, _, seed, _ in learner.asked if case == kind]
        for kind in ("imagenet", "random")
    }
    assert seeds["imagenet"] == seeds["random"]
    assert len(set(seeds["random"])) == 3


def test_unknown_cells_of_table2_are_left_out(learner, photos, tmp_path, capsys):
    assert study("table2", photos, tmp_path / "out") == 0
    rows = json.loads((tmp_path / "out" / "table2.json").read_text())["rows"]
    assert [row["opened"] for row in rows] == [0, 1, 2, 3, 4]
    assert all(row["paper"] == {"mean": None, "best": None} for row in rows)
    assert capsys.readouterr().out.count("not given") == 10


def test_an_interrupted_study_goes_on_where_it_was(learner, photos, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    monkeypatch.setattr(learner, "interrupt_at", 2)
    assert study("table1", photos, out) == 130
    assert len((out / "runs.jsonl").read_text().splitlines()) == 2
    monkeypatch.setattr(learner, "interrupt_at", None)
    assert study("table1", photos, out) == 0
    assert len(learner.asked) == len(set(learner.asked)) == 6


def test_the_figure_takes_its_runs_from_the_table(learner, photos, tmp_path, capsys):
    out = tmp_path / "out"
    assert study("table1", photos, out) == 0
    asked = len(learner.asked)
    assert study("figure3", photos, out) == 0
    assert len(learner.asked) == asked
    assert (out / "figure3.png").is_file()


def test_quick_caps_the_epochs_and_says_so(learner, photos, tmp_path, capsys):
    assert study("figure3", photos, tmp_path / "out", "--quick") == 0
    assert {epochs for *_, epochs in learner.asked} == {(30, 10)}
    assert "QUICK" in capsys.readouterr().out


def test_labels_are_as_published_unless_a_list_is_named_and_never_mixed(
    learner, photos, tmp_path, capsys
):
    out = tmp_path / "out"
    (photos / "Green" / "3.png").rename(photos / "Green" / "g3.png")
    (photos / "labels.yaml").write_text("labels:\n  g3: {label: Blue, why: x}\n")
    assert study("figure3", photos, out) == 0
    assert "Labels: as published." in capsys.readouterr().out
    assert study("figure3", photos, out, "--labels", "auto") == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: labels: 'labels.yaml@")
    assert "another --out" in error
    other = tmp_path / "other"
    assert study("figure3", photos, other, "--labels", "auto") == 0
    assert "Labels: 1 of 30 photos relabelled" in capsys.readouterr().out
    assert json.loads((other / "runs.jsonl").read_text().splitlines()[0])["settings"]["labels"]
    assert study("figure3", photos, other) == 1
    assert "labels: None is refused" in capsys.readouterr().err


@pytest.mark.parametrize("more", [["--quick"], ["--seed", "1"], ["--with-other"], ["--grouped"]])
def test_runs_with_other_settings_are_refused_in_one_line(learner, photos, tmp_path, capsys, more):
    out = tmp_path / "out"
    assert study("figure3", photos, out) == 0
    assert study("figure3", photos, out, *more) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith(f"error: {more[0][2:].replace('-', '_')}: ")
    assert "another --out" in error


def test_a_run_that_was_cut_off_while_written_is_done_again(tmp_path):
    RunLog(tmp_path, {"seed": 0}).append({"run": 0})
    path = tmp_path / "runs.jsonl"
    path.write_text(path.read_text() + '{"settings": {"se')
    log = RunLog(tmp_path, {"seed": 0})
    log.append({"run": 1})
    assert [run["run"] for run in RunLog(tmp_path, {"seed": 0}).runs] == [0, 1]


def test_a_foreign_line_is_refused_by_its_number(tmp_path):
    (tmp_path / "runs.jsonl").write_text("[]\n")
    with pytest.raises(DataError, match=r"runs\.jsonl:1: not a run"):
        RunLog(tmp_path, {})


def test_weights_are_refused_where_they_are_not_used(photos, tmp_path, capsys):
    assert study("figure3", photos, tmp_path / "out", "--weights", "x.h5") == 1
    assert "weights: 'x.h5' is refused" in capsys.readouterr().err


@pytest.mark.skipif(find_spec("tensorflow") is None, reason="TensorFlow is not installed")
@pytest.mark.timeout(400)
def test_without_a_network_both_ways_out_are_named(photos, tmp_path, monkeypatch, capsys):
    from batsort_training import resnet

    def unreachable(*_, **__):
        raise URLError("no route")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(resnet, "urlopen", unreachable)
    assert study("table1", photos, tmp_path / "out", "--backbone", "resnet50v2") == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: weights: ")
    assert "network connection" in error
    assert "--weights FILE" in error
