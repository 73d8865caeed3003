"""The value of a parameter that a launch file gives as text."""

from __future__ import annotations

import yaml


def parameter_value(text: str, type_name: str) -> object:
    """Turn a parameter's text into its value by the rules of launch.

    Raises:
        ValueError: the text doesn't fit the type, or the type is unknown.
    """
    if type_name == "str":
        return text
    if type_name in ("int", "float"):
        number = int if type_name == "int" else float
        try:
            return number(text)
        except ValueError:
            raise ValueError(f"'{text}' is not of type {type_name}") from None
    if type_name not in ("bool", "yaml"):
        raise ValueError(f"type '{type_name}'; allowed here: bool, float, int, str, yaml")
    if not text and type_name == "yaml":
        return text
    if type_name == "bool":
        text = {"1": "true", "0": "false"}.get(text, text)
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ValueError(f"'{text}' is not YAML") from None
    if type_name == "bool" and not isinstance(value, bool):
        raise ValueError(f"'{text}' is not of type bool")
    items = value if isinstance(value, list) else [value]
    if any(
        type(item) not in (bool, int, float, str) or type(item) is not type(items[0])
        for item in items
    ):
        raise ValueError(f"'{text}' is no number, text, boolean, or list of one of these")
    return value
