"""The types of the cell's messages, for reading and writing bags without ROS."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

INTERFACES = "batsort_interfaces"


@cache
def typestore() -> Typestore:
    """The messages of ROS 2 Jazzy and of batsort_interfaces."""
    types = get_typestore(Stores.ROS2_JAZZY)
    folder = Path(get_package_share_directory(INTERFACES)) / "msg"
    for file in sorted(folder.glob("*.msg")):
        name = f"{INTERFACES}/msg/{file.stem}"
        types.register(get_types_from_msg(file.read_text(encoding="utf-8"), name))
    return types


@cache
def definition(name: str) -> str:
    """The text of a message's definition as our bags hold it."""
    text, _ = typestore().generate_msgdef(name, ros_version=2)
    return text
