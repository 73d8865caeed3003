"""What can't be is refused in one line that names it; nothing is fired."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from batsort_perception.bundle import default_bundle

ROOT = Path(__file__).parents[1]


def cell_file(folder: Path, change: Callable[[dict], None]) -> str:
    document = yaml.safe_load((ROOT / "config" / "cell.yaml").read_text())
    change(document)
    path = folder / "cell.yaml"
    path.write_text(yaml.safe_dump(document))
    return f"cell_file:={path}"


def params_file(folder: Path, node: str, **parameters: object) -> str:
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump({f"/**/{node}": {"ros__parameters": parameters}}))
    return f"params_file:={path}"


def bundle(folder: Path, change: Callable[[dict], None]) -> str:
    copy = folder / "bundle"
    copy.mkdir()
    for file in default_bundle().iterdir():
        if file.is_file():
            (copy / file.name).write_bytes(file.read_bytes())
    path = copy / "bundle.yaml"
    document = yaml.safe_load(path.read_text())
    change(document)
    path.write_text(yaml.safe_dump(document))
    return f"bundle:={copy}"


CASES: dict[str, tuple[Callable[[Path], str], tuple[str, ...]]] = {
    "type in the recipe that the bundle does not know": (
        lambda f: cell_file(f, lambda d: d["recipe"]["types"].update(Acme="klarus")),
        ("recipe.types", "Acme"),
    ),
    "unknown bin in the recipe": (
        lambda f: cell_file(f, lambda d: d["recipe"]["types"].update(Klarus="attic")),
        ("recipe.types", "attic"),
    ),
    "two bins on one valve": (
        lambda f: cell_file(f, lambda d: d["bins"][1].update(valve=1)),
        ("bins[1].valve", "1"),
    ),
    "belt speed beyond the belt": (lambda f: "belt_velocity:=4.0", ("belt_velocity", "4.0")),
    "belt parameter out of range": (
        lambda f: params_file(f, "belt", state_rate=5000.0),
        ("state_rate", "5000"),
    ),
    "camera source unknown": (
        lambda f: params_file(f, "camera", source="webcam"),
        ("source", "webcam"),
    ),
    "classifier threads out of range": (
        lambda f: params_file(f, "classifier", threads=99),
        ("threads", "99"),
    ),
    "ejector threshold out of range": (
        lambda f: params_file(f, "ejector", threshold=1.5),
        ("threshold", "1.5"),
    ),
    "supervisor timeout out of range": (
        lambda f: params_file(f, "supervisor", silence_timeout_s=0.0),
        ("silence_timeout_s", "0.0"),
    ),
    "twin rate out of range": (lambda f: "rate:=-1.0", ("rate", "-1.0")),
    "bundle that is not there": (lambda f: f"bundle:={f / 'none'}", ("bundle", "none")),
    "bundle with a missing field": (
        lambda f: bundle(f, lambda d: d.pop("types")),
        ("bundle.yaml", "types"),
    ),
    "journal that can't be written": (
        lambda f: "journal_dir:=/proc/none",
        ("journal_dir", "/proc"),
    ),
    "launch argument unknown": (lambda f: "colour:=red", ("colour",)),
    "way to record images unknown": (
        lambda f: "record_images:=gif",
        ("record_images", "gif", "raw"),
    ),
    "replay without a bag": (lambda f: "backend:=replay", ("bag", "not given")),
    "backend unknown": (lambda f: "backend:=moon", ("backend", "moon")),
}


@pytest.mark.parametrize("case", CASES)
def test_a_launch_that_cannot_be_is_refused_in_one_line(case: str, tmp_path: Path) -> None:
    argument, named = CASES[case]
    done = subprocess.run(
        [
            ROOT / "cell",
            "launch",
            "cell.launch.xml",
            f"journal_dir:={tmp_path / 'journal'}",
            argument(tmp_path),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
    )
    said = done.stdout + done.stderr
    assert done.returncode != 0, said
    assert any(all(word in line for word in named) for line in said.splitlines()), said
    assert "Traceback" not in said
    assert "execute" not in said


def test_a_broken_photo_is_refused_by_its_name(tmp_path: Path) -> None:
    photos = tmp_path / "photos" / "Klarus"
    photos.mkdir(parents=True)
    (photos / "torn.jpg").write_bytes(b"\xff\xd8\xff torn")
    done = subprocess.run(
        [
            ROOT / "cell",
            "demo",
            "--items",
            "3",
            "--photos",
            photos.parent,
            "--report",
            tmp_path / "r",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
    )
    said = done.stdout + done.stderr
    assert done.returncode != 0, said
    assert any("torn.jpg" in line for line in said.splitlines()), said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--items", "0"),
        ("--rate", "1000"),
        ("--belt-speed", "9"),
        ("--seed", "-1"),
        ("--photos", "/none"),
        ("--cell", "/none.yaml"),
        ("--bundle", "/none"),
    ],
)
def test_a_demo_option_that_cannot_be_is_refused_in_one_line(
    option: str, value: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [ROOT / "cell", "demo", option, value],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
    )
    assert done.returncode == 2
    assert option in done.stderr
    assert value in done.stderr
    assert not (tmp_path / "reports").exists()
