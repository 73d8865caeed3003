"""The command `check` with print, and with the reader that is installed."""

import cv2
import numpy as np
import pytest
from printed_photos import LI_ION, NIMH, many, names

from batsort_core.chemistry import Chemistry
from batsort_learning.__main__ import main
from batsort_learning.check import check
from batsort_learning.commands import check as command
from batsort_learning.commands.options import read_cell
from batsort_learning.findings import CONTRADICTS
from batsort_learning.print_cache import at_full_size
from batsort_perception.print_cache import PrintCache, reader_version
from batsort_perception.print_reader import PrintReader, available
from batsort_training.label_list import LabelList

pytestmark = pytest.mark.usefixtures("no_tensorflow")


@pytest.fixture
def told(monkeypatch, tmp_path, looked_at):
    """The command, with a reader that was told what is printed."""
    looked_at({**many("Green", NIMH), "Green/odd": LI_ION})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(command, "available", lambda: "")
    monkeypatch.setattr(command, "reader_version", lambda *more: "v1")
    monkeypatch.setattr(command, "PrintReader", lambda: looked_at.reader)
    return looked_at.folder


def test_the_command_proposes_and_never_overwrites(told, tmp_path, capsys):
    mine = tmp_path / "mine.yaml"
    words = ["check", "--photos", str(told), "--propose", str(mine)]
    before = {path: path.read_bytes() for path in told.rglob("*.png")}
    assert main(words) == 0
    assert list(LabelList.load(mine).entries) == ["odd"]
    assert f"written: {mine}" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in told.rglob("*") if path.is_file()} == before
    assert list((tmp_path / "home" / "batsort" / "print").iterdir())
    with pytest.raises(SystemExit):
        main(words)
    assert "is there already; allowed: a new file" in capsys.readouterr().err


def test_the_cell_description_states_chemistries(told, tmp_path, capsys):
    cell = tmp_path / "cell.yaml"
    share = read_cell(None)
    assert share is not None
    assert share.chemistries["Klarus"] == Chemistry.LI_ION
    for text, says in (("a: [", "can't be read"), ("{}", "name: missing")):
        cell.write_text(text)
        assert main(["check", "--photos", str(told), "--cell", str(cell)]) == 1
        error = capsys.readouterr().err.splitlines()[-1]
        assert error.startswith(f"error: cell: {cell}")
        assert says in error


def test_without_print_the_command_says_so_in_one_sentence(told, monkeypatch, capsys):
    sentence = "Print can't be read without rapidocr; install with: ./cell setup print"
    monkeypatch.setattr(command, "available", lambda: sentence)
    assert main(["check", "--photos", str(told)]) == 0
    out = capsys.readouterr().out.replace("\n", " ")
    assert out.count(sentence) == 1
    assert CONTRADICTS not in out


@pytest.fixture(scope="module")
def real_reader():
    if available():
        pytest.skip(available())
    return PrintReader()


def lettered(text, shape=(300, 900)):
    """A battery with a text on it, on white."""
    image = np.full((*shape, 3), 255, np.uint8)
    image[60:240, 60:840] = (120, 200, 90)
    if text:
        cv2.putText(image, text, (110, 170), cv2.FONT_HERSHEY_SIMPLEX, 2.2, (20, 20, 20), 5)
    return image


@pytest.mark.timeout(300)
def test_the_real_reader_finds_li_ion_among_ni_mh(real_reader, tmp_path):
    folder = tmp_path / "photos" / "Green"
    folder.mkdir(parents=True)
    texts = {f"g{i}": f"Ni-MH {1800 + 100 * i}mAh" for i in range(3)}
    texts |= {"odd": "INR18650 3.7V", "blank": ""}
    for name, text in texts.items():
        cv2.imwrite(str(folder / f"{name}.png"), lettered(text))
    cv2.imwrite(str(folder / "mirrored.png"), lettered("INR18650 3.7V")[:, ::-1])
    cache = PrintCache(tmp_path / "cache", lambda: real_reader, reader_version())
    result = check(tmp_path / "photos", 0, reader=cache)
    assert names(result, CONTRADICTS) == ["odd"]
    (finding,) = result.of(CONTRADICTS)
    image = at_full_size(finding.photos[0])
    assert (finding.read.box >= -5).all()
    assert (finding.read.box <= np.array(image.shape[1::-1]) + 5).all()
    read = zip(result.photos, result.prints, strict=True)
    said = {photo.path.stem: found.chemistry for photo, found in read}
    assert said["blank"] is said["mirrored"] is None
