import hashlib
import re
from pathlib import Path

import pytest

from batsort_core.chemistry import Chemistry
from batsort_perception.bundle import Bundle, BundleError, default_bundle
from batsort_perception.engine import Engine


def without(document, path):
    """The document without the field of a dotted path."""
    *way, last = path.split(".")
    part = document
    for key in way:
        part = part[key]
    del part[last]
    return document


def changed(document, path, value):
    *way, last = path.split(".")
    part = document
    for key in way:
        part = part[key]
    part[last] = value
    return document


def test_a_bundle_that_fits_is_loaded_and_named_after_its_network(write_bundle):
    folder = write_bundle()
    bundle = Bundle.load(folder)
    digest = hashlib.sha256((folder / "network.tflite").read_bytes()).hexdigest()
    assert bundle.id == f"tiny@{digest[:12]}"
    assert bundle.types == ("Red", "Green", "Blue")
    assert bundle.photo_hashes == {"a" * 64, "b" * 64}


def test_a_bundle_may_say_what_is_inside_its_types(write_bundle, description):
    assert Bundle.load(write_bundle()).chemistries is None
    bundle = Bundle.load(write_bundle(changed(description, "chemistries", {"Red": "li_ion"})))
    assert bundle.chemistries == {"Red": Chemistry.LI_ION}


@pytest.mark.parametrize(
    "field",
    [
        "types",
        "network",
        "network.sha256",
        "calibration.temperature",
        "novelty.limit",
        "training.photos",
        "metrics",
        "licences",
    ],
)
def test_a_missing_field_is_refused_with_file_and_field_in_one_line(
    write_bundle, description, field
):
    folder = write_bundle(without(description, field))
    with pytest.raises(BundleError) as error:
        Bundle.load(folder)
    assert re.match(rf"{folder}/bundle\.yaml:\d+: {re.escape(field)}: missing", str(error.value))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("format", 1),
        ("types", ["Red"]),
        ("types", ["Red", "Red", "Blue"]),
        ("types", "Red"),
        ("network.width", "wide"),
        ("network.width", 0),
        ("network.preprocessing", "squeeze"),
        ("network.file", "../network.tflite"),
        ("network.file", "absent.tflite"),
        ("network.sha256", "0" * 64),
        ("calibration.temperature", 0.0),
        ("calibration.temperature", float("nan")),
        ("novelty.scale", -1.0),
        ("metrics", {"accuracy": 0.9}),
        ("chemistries", {"Red": "lead"}),
        ("chemistries", {"Violet": "nimh"}),
        ("training.labels", {"file": "labels.yaml"}),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_by_name(write_bundle, description, field, value):
    folder = write_bundle(changed(description, field, value))
    with pytest.raises(BundleError) as error:
        Bundle.load(folder)
    assert field in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_without_a_bundle_is_refused_by_name(tmp_path):
    with pytest.raises(BundleError, match=r"absent/bundle\.yaml"):
        Bundle.load(tmp_path / "absent")


@pytest.mark.parametrize("text", ["", "just words", "{", "- 1"])
def test_a_file_that_is_no_description_is_refused_in_one_line(write_bundle, text):
    folder = write_bundle()
    (folder / "bundle.yaml").write_text(text)
    with pytest.raises(BundleError) as error:
        Bundle.load(folder)
    assert "bundle.yaml" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_network_with_other_outputs_than_the_types_is_refused(
    write_bundle, description, make_network
):
    folder = write_bundle(network_bytes=make_network(9))
    with pytest.raises(BundleError, match=r"types: the network has float32\[1, 9\]"):
        Engine(Bundle.load(folder))


def test_a_network_of_another_input_size_is_refused(write_bundle, description):
    folder = write_bundle(changed(description, "network.width", 96))
    with pytest.raises(BundleError, match=r"network.height and width: .* uint8\[1, 32, 64, 3\]"):
        Engine(Bundle.load(folder))


def test_a_file_that_is_no_network_is_refused(write_bundle):
    folder = write_bundle(network_bytes=b"no network at all")
    with pytest.raises(BundleError, match="LiteRT network"):
        Engine(Bundle.load(folder))


def test_the_default_bundle_fits_and_is_small_enough_to_ship():
    folder = default_bundle()
    bundle = Bundle.load(folder)
    Engine(bundle)
    assert len(bundle.types) == 9
    assert sum(file.stat().st_size for file in Path(folder).iterdir()) < 30e6
