from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

from batsort_learning.__main__ import main
from batsort_perception.bundle import Bundle
from batsort_perception.engine import Engine

COLOURS = {"Blue": (30, 40, 200), "Green": (30, 170, 60), "Red": (200, 40, 30)}


def battery(colour, seed):
    """A battery of one colour with a dark end and a pattern of its own, on white."""
    rng = np.random.default_rng(seed)
    image = np.full((120, 300, 3), 255, np.uint8)
    image[35:85, 20:280] = np.clip(np.array(colour) + rng.normal(0, 12, 3), 0, 255)
    image[35:85, 220:280] = (30, 30, 30)
    for _ in range(6):
        x, y = rng.integers(30, 200), rng.integers(40, 75)
        image[y : y + 6, x : x + rng.integers(6, 40)] = rng.integers(120, 255)
    return image


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for name, colour in {**COLOURS, "Other": (230, 210, 40)}.items():
        (folder / name).mkdir()
        for seed in range(5):
            image = cv2.cvtColor(battery(colour, seed), cv2.COLOR_RGB2BGR)
            assert cv2.imwrite(str(folder / name / f"{seed}.png"), image)
    groups = [f"{path.parent.name}/{path.name}" for path in sorted(folder.glob("*/*.png"))]
    rows = ["file,family_group", *(f"{name},{i}" for i, name in enumerate(groups))]
    (folder / "groups.csv").write_text("\n".join(rows) + "\n")
    return folder


def with_tensorflow(test):
    """Skipped where TensorFlow is not installed; converting a network takes its time."""
    missing = find_spec("tensorflow") is None
    test = pytest.mark.skipif(missing, reason="TensorFlow is not installed")(test)
    return pytest.mark.timeout(400)(test)


@pytest.fixture(scope="module")
def taught(photos, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("out") / "colours"
    assert main(["train", "--photos", str(photos), "--drawn", "0", "--out", str(out)]) == 0
    return out


@with_tensorflow
def test_a_taught_bundle_runs_and_knows_its_types(taught):
    bundle = Bundle.load(taught)
    engine = Engine(bundle)
    assert bundle.name == "colours"
    assert bundle.types == tuple(COLOURS)
    for name, colour in COLOURS.items():
        assert engine.classify(battery(colour, 99)).type == name


@with_tensorflow
def test_photos_of_other_are_not_trained_on(taught):
    bundle = Bundle.load(taught)
    assert set(bundle.training.photos) == set(COLOURS)
    assert len(bundle.photo_hashes) == 15
    assert bundle.metrics["plain.unknown_accepted"].n == 5


@with_tensorflow
def test_evaluation_tells_photos_it_was_trained_on(taught, photos, tmp_path, capsys):
    report = tmp_path / "report.json"
    command = ["evaluate", "--bundle", str(taught), "--photos", str(photos)]
    assert main([*command, "--report", str(report)]) == 0
    assert "20 photos, 15 trained on" in capsys.readouterr().out
    assert '"trained_on": 15' in report.read_text()


@pytest.mark.parametrize(
    "command",
    [
        ["train", "--photos", "absent", "--out", "x"],
        ["evaluate", "--photos", "absent"],
        ["evaluate", "--photos", "absent", "--bundle", "absent"],
    ],
)
def test_a_missing_folder_is_refused_in_one_line(command, capsys):
    assert main(command) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert "absent" in error
    assert error.count("\n") == 1


def test_a_seed_that_is_no_number_is_refused_by_name(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--photos", "x", "--out", "x", "--seed", "-1"])
    assert "--seed" in capsys.readouterr().err
