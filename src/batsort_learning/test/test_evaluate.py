import json
import re
from shutil import copytree

import cv2
import numpy as np
import pytest

from batsort_learning import evaluate as evaluation
from batsort_learning.__main__ import main
from batsort_learning.evaluate import Verdicts, evaluate, figures
from batsort_perception.bundle import Bundle, default_bundle
from batsort_training.examples import Studio

KNOWN = ("Klarus", "IKEA_Alk")


@pytest.fixture(scope="module")
def bundle():
    return Bundle.load(default_bundle())


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Drawn batteries of two types, and grey strips that are none."""
    folder = tmp_path_factory.mktemp("photos")
    studio = Studio(3)
    for name in (*KNOWN, "Strip"):
        (folder / name).mkdir()
        for i in range(4):
            image = np.full((60, 160, 3), 255, np.uint8)
            image[20:40, 10:150] = 90 + 20 * i
            if name in KNOWN:
                image = studio.drawn(name)
            path = folder / name / f"{i}.png"
            assert cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    return folder


def verdicts(rows):
    """Of (label, named, confidence, novelty)."""
    labels, named, confidence, novelty = zip(*rows, strict=True)
    seconds = np.linspace(0.01, 0.03, len(rows))
    return Verdicts(
        np.array(labels), np.array(named), np.array(confidence), np.array(novelty), seconds
    )


JUDGED = verdicts(
    [
        ("Klarus", "Klarus", 0.9, 0.2),
        ("Klarus", "GP_Alk", 0.85, 0.5),
        ("GP_Alk", "GP_Alk", 0.95, 0.1),
        ("GP_Alk", "GP_Alk", 0.6, 0.4),
        ("GP_Alk", "Klarus", 0.9, 2.0),
        ("Other", "Klarus", 0.9, 0.9),
        ("Other", "GP_Alk", 0.99, 3.0),
    ]
)


def test_figures_are_those_counted_by_hand(bundle):
    found = figures(bundle, JUDGED, ("Klarus",))
    assert found["accuracy"]["value"] == 0.6
    assert found["coverage"]["value"] == 0.6
    assert found["accuracy_of_accepted"]["value"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["unknown_accepted"] == {"value": 0.5, "low": 0.0945, "high": 0.9055, "n": 2}
    assert found["recall"]["GP_Alk"]["value"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["precision"]["GP_Alk"]["value"] == pytest.approx(2 / 3, abs=1e-4)
    assert found["recall"]["IKEA_Alk"]["n"] == 0
    assert found["confusion"]["GP_Alk"] == {"GP_Alk": 2, "Klarus": 1}
    assert found["auroc_unknown"] == 0.9
    assert found["verdict_ms"] == {"median": 20.0, "p99": 29.8}


def test_li_ion_is_counted_both_ways_with_the_unknown(bundle):
    found = figures(bundle, JUDGED, ("Klarus",))
    assert found["li_ion_taken_for_other"]["value"] == 0.5
    assert found["li_ion_taken_for_other"]["n"] == 2
    assert found["li_ion_taken_for_other_accepted"]["value"] == 0.5
    assert found["other_taken_for_li_ion"]["value"] == 0.4
    assert found["other_taken_for_li_ion_accepted"]["value"] == 0.2


def test_every_key_of_the_report_is_documented(photos):
    report = evaluate(default_bundle(), photos, 0, conditions=True).report
    keys = {*report, *report["all"], *report["all"]["as_they_are"]}
    words = set(re.findall(r"\w+", evaluation.__doc__))
    assert keys - words == set()


def test_what_cannot_be_had_is_null(bundle):
    unknown = JUDGED[JUDGED.labels == "Other"]
    found = figures(bundle, unknown, ())
    assert found["auroc_unknown"] is found["ece"] is found["coverage_at_99"] is None
    assert found["accuracy"]["n"] == 0
    nothing = figures(bundle, JUDGED[JUDGED.labels == "nothing"], ())
    assert nothing["verdict_ms"] is None


def test_any_bundle_is_judged_on_any_folders(bundle, photos):
    report = evaluate(default_bundle(), photos, 0).report
    assert report["bundle"] == bundle.id
    assert (report["photos"], report["trained_on"]) == (12, 0)
    assert report["unknown_folders"] == ["Strip"]
    assert set(report["types_without_photos"]) == set(bundle.types) - set(KNOWN)
    assert report["li_ion"] == ["Klarus"]
    found = report["new"]["as_they_are"]
    assert found["accuracy"]["n"] == 8
    assert found["accuracy"]["value"] >= 0.75
    assert found["unknown_accepted"]["n"] == 4
    assert [t["purity"] for t in found["thresholds"]] == [t.purity for t in bundle.thresholds]


def test_the_same_seed_gives_the_same_figures(photos):
    def judged():
        found = evaluate(default_bundle(), photos, 1).report["all"]["on_the_belt"]
        return {key: value for key, value in found.items() if key != "verdict_ms"}

    assert judged() == judged()


def test_the_report_is_json_or_a_page_by_its_name(photos, tmp_path, capsys):
    command = ["evaluate", "--photos", str(photos), "--conditions"]
    files = [tmp_path / "r.json", tmp_path / "p.html"]
    assert main([*command, "--report", str(files[0]), "--page", str(files[1])]) == 0
    report = json.loads(files[0].read_text())
    assert report["conditions"]["dark"]["accuracy"]["n"] == 8
    text = files[1].read_text()
    assert text.count("<svg") == 2
    assert all(name in text for name in (*KNOWN, "Strip", "dark"))
    out = capsys.readouterr().out
    assert "Types without photos" in out
    assert max(len(line) for line in out.splitlines()) <= 100


def test_only_unknown_photos_give_a_page_too(photos, tmp_path):
    copytree(photos / "Strip", tmp_path / "photos" / "Strip")
    page = tmp_path / "p.html"
    assert main(["evaluate", "--photos", str(tmp_path / "photos"), "--report", str(page)]) == 0
    assert "<svg" not in page.read_text()


def test_a_report_of_another_kind_or_place_is_refused_before_the_work(photos, capsys):
    for name in ("report.txt", "absent/report.json"):
        with pytest.raises(SystemExit):
            main(["evaluate", "--photos", str(photos), "--report", name])
        assert f"'{name}' is refused; allowed: a .json or .html file" in capsys.readouterr().err


def test_a_li_ion_type_that_is_not_there_is_refused_by_name(photos, capsys):
    assert main(["evaluate", "--photos", str(photos), "--li-ion", "Klaus"]) == 1
    assert "li-ion: 'Klaus' is refused; allowed: Duracell_Alk" in capsys.readouterr().err
