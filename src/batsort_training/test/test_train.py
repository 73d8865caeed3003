import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

from batsort_learning.__main__ import main
from batsort_perception.bundle import Bundle
from batsort_perception.engine import Engine
from batsort_training import train, validation
from batsort_training.examples import Studio
from batsort_training.lessons import Lessons
from batsort_training.validation import fit

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
    shutil.copy(folder / "Red" / "0.png", folder / "Blue" / "wrong.png")
    (folder / "labels.yaml").write_text("labels:\n  wrong: {exclude: true, why: it is red}\n")
    (folder / "groups.csv").write_text("\n".join(rows) + "\n")
    return folder


def with_tensorflow(test):
    """Skipped where TensorFlow is not installed; converting a network takes its time."""
    missing = find_spec("tensorflow") is None
    test = pytest.mark.skipif(missing, reason="TensorFlow is not installed")(test)
    return pytest.mark.timeout(400)(test)


@pytest.fixture(scope="module")
def quick() -> Iterator[None]:
    """Fewer folds, fewer drawings to take the ranges of int8 from, and networks timed once."""
    from batsort_training import exports

    samples = train.representative()[::5]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(validation, "FOLDS", 3)
        patch.setattr(train, "representative", lambda: samples)
        patch.setattr(exports, "TIMED", 1)
        yield


@pytest.fixture(scope="module")
def taught(quick, photos, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("out") / "colours"
    command = ["train", "--photos", str(photos), "--drawn", "2", "--repeats", "1"]
    assert main([*command, "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="module")
def known(taught, tmp_path_factory) -> Path:
    """The taught bundle, which is told what is inside two of its types."""
    folder = tmp_path_factory.mktemp("known") / "known"
    shutil.copytree(taught, folder)
    with (folder / "bundle.yaml").open("a") as file:
        file.write("chemistries: {Blue: nimh, Red: li_ion}\n")
    return folder


@pytest.fixture(scope="module")
def without_red(known, tmp_path_factory) -> Path:
    """What `forget` makes of it."""
    out = tmp_path_factory.mktemp("without") / "red"
    assert main(["forget", "--type", "Red", "--bundle", str(known), "--out", str(out)]) == 0
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
def test_photos_of_other_are_no_type_but_learnt_to_be_rejected(taught):
    bundle = Bundle.load(taught)
    assert set(bundle.training.photos) == set(COLOURS)
    assert len(bundle.training.strangers) == 5
    assert len(bundle.photo_hashes) == 20
    lessons = Lessons.load(taught)
    numbers = {one.photo for one in bundle.training.strangers}
    assert numbers == set(lessons.photos[lessons.strangers()])
    assert bundle.metrics["plain.unknown_accepted"].n == 5


def features_of(folder, image):
    from batsort_training import network

    return network.Runner(Bundle.load(folder).network_file.read_bytes())(image)


@with_tensorflow
def test_teaching_the_same_again_gives_the_same_bundle(known, without_red, tmp_path):
    out = tmp_path / without_red.name
    assert main(["forget", "--type", "Red", "--bundle", str(known), "--out", str(out)]) == 0
    first, second = ({p.name: p.read_bytes() for p in o.iterdir()} for o in (without_red, out))
    assert first.keys() == second.keys()
    for name in ("network.tflite", "bundle.yaml", "CARD.md"):
        assert first[name] == second[name]


@with_tensorflow
def test_the_network_says_what_the_head_says_but_for_rounding(taught, photos):
    bundle, lessons = Bundle.load(taught), Lessons.load(taught)
    from batsort_training import network

    features, verdict = (
        network.Runner(bundle.network_file.read_bytes(), output)
        for output in ("features", "verdict")
    )
    # What looks like no drawing has the same familiarity whatever the drawn ones' surplus is.
    head = fit(lessons)
    for path in sorted(photos.glob("*/*.png")):
        image = Studio.plain(cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB))
        logits, familiarity = head(features(image)[None])
        assert verdict(image)[:-1] == pytest.approx(logits[0], rel=1e-3, abs=0.05)
        assert verdict(image)[-1] == pytest.approx(familiarity[0], rel=1e-2, abs=0.05)


@with_tensorflow
def test_the_card_states_every_export_and_the_data_hash(taught):
    card = (taught / "CARD.md").read_text()
    assert Bundle.load(taught).training.data_sha256[:12] in card
    for kind in ("keras", "float32", "float16", "**int8**"):
        assert f"| {kind} |" in card


@with_tensorflow
def test_label_list_and_chemistries_are_still_told_after_teaching(taught, without_red):
    assert Bundle.load(without_red).chemistries == {"Blue": "nimh"}
    for folder in (taught, without_red):
        labels = Bundle.load(folder).training.labels
        assert (labels.file, labels.relabelled, labels.left_out) == ("labels.yaml", 0, 1)
        assert f"`labels.yaml` (sha256 `{labels.sha256[:12]}`)" in (folder / "CARD.md").read_text()


@with_tensorflow
def test_a_type_is_taught_and_forgotten_again(taught, tmp_path, capsys):
    new, old = tmp_path / "new", tmp_path / "old"
    shown = tmp_path / "Violet"
    shown.mkdir()
    for seed in range(5):
        image = cv2.cvtColor(battery((150, 40, 190), 50 + seed), cv2.COLOR_RGB2BGR)
        assert cv2.imwrite(str(shown / f"{seed}.png"), image)
    command = [str(shown), "--type", "Violet", "--bundle", str(taught), "--out", str(new)]
    assert main(["teach", *command]) == 0
    assert "recall Red" in capsys.readouterr().out
    engine = Engine(Bundle.load(new))
    assert engine.bundle.types == (*COLOURS, "Violet")
    assert len(engine.bundle.training.photos["Violet"]) == 5
    for name, colour in {**COLOURS, "Violet": (150, 40, 190)}.items():
        assert engine.classify(battery(colour, 98)).type == name
    image = Studio.plain(battery((150, 40, 190), 98))
    assert np.array_equal(*(features_of(folder, image) for folder in (taught, new)))
    assert main(["teach", *command]) == 1
    assert "new or empty" in capsys.readouterr().err
    assert main(["forget", "--type", "Violet", "--bundle", str(new), "--out", str(old)]) == 0
    assert Bundle.load(old).types == tuple(COLOURS)
    known = Lessons.load(taught)
    assert np.allclose(fit(Lessons.load(old)).depths[0].weights, fit(known).depths[0].weights)


@with_tensorflow
def test_a_stranger_that_is_taught_as_a_type_is_none_any_more(taught, photos, tmp_path):
    out = tmp_path / "out"
    command = [str(photos / "Other"), "--type", "Sand", "--bundle", str(taught), "--out", str(out)]
    assert main(["teach", *command]) == 0
    bundle, lessons = Bundle.load(out), Lessons.load(out)
    assert not bundle.training.strangers
    assert not lessons.strangers().any()
    assert Engine(bundle).classify(battery((230, 210, 40), 97)).type == "Sand"


@with_tensorflow
def test_a_wanted_purity_has_its_price(taught, capsys):
    assert main(["threshold", "--bundle", str(taught), "--purity", "0.5", "0.99"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    rows = [line for line in lines if line[:1] == ["photos"] and line[1] != "on"]
    assert [row[1] for row in rows] == ["0.500", "0.990"]
    assert float(rows[0][-2]) >= float(rows[1][-2]) > 0


@pytest.mark.parametrize(
    "command",
    [
        ["train", "--photos", "absent", "--out", "x"],
        ["teach", "absent", "--type", "New", "--out", "x"],
        ["forget", "--type", "absent", "--out", "x"],
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
