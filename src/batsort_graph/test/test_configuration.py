"""Bad parameters and cell files are refused by name, at start and at run time."""

from pathlib import Path

import pytest
import rclpy
from rclpy.parameter import Parameter as RosParameter

from batsort_description.cell_file import load_cell
from batsort_files.documents import ConfigurationError
from batsort_graph.configuration import Parameter, declare

PARAMETERS = (
    Parameter("rate", 5.0, "A rate.", 0.5, 50.0, read_only=False),
    Parameter("threads", 2, "Threads.", 1, 16, read_only=False),
    Parameter("source", "topic", "A source.", choices=("topic", "device"), read_only=False),
)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("rate", "51.0", "a number with decimal point from 0.5 to 50.0"),
        ("rate", ".nan", "a number with decimal point from 0.5 to 50.0"),
        ("rate", "5", "a number with decimal point from 0.5 to 50.0"),
        ("threads", "0", "an integer from 1 to 16"),
        ("threads", "2.5", "an integer from 1 to 16"),
        ("source", "webcam", "topic or device"),
    ],
)
def test_a_bad_override_is_refused_by_name_value_and_what_is_allowed(
    bench, name: str, value: str, allowed: str
) -> None:
    node = bench(**{name: value}).add(rclpy.create_node("tested"))
    with pytest.raises(ConfigurationError) as error:
        declare(node, PARAMETERS)
    assert str(error.value).startswith(f"{name}: ")
    assert str(error.value).endswith(f"allowed: {allowed}")


@pytest.mark.parametrize(
    ("name", "value"),
    [("rate", 51.0), ("rate", float("nan")), ("threads", 0), ("source", "webcam")],
)
def test_a_bad_value_at_run_time_is_refused_and_the_old_one_kept(bench, name: str, value) -> None:
    node = bench().add(rclpy.create_node("tested"))
    declare(node, PARAMETERS)
    before = node.get_parameter(name).value
    (result,) = node.set_parameters([RosParameter(name, value=value)])
    assert not result.successful
    assert name in result.reason
    assert node.get_parameter(name).value == before


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (None, "can't be read"),
        ("belt: [", "is no YAML"),
        ("[]", "cell.yaml"),
        ("name: x", "cell.yaml"),
    ],
)
def test_a_bad_cell_file_is_refused_in_one_line(
    tmp_path: Path, text: str | None, named: str
) -> None:
    path = tmp_path / "cell.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigurationError, match=named) as error:
        load_cell(str(path))
    assert "\n" not in str(error.value)
