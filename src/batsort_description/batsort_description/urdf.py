"""The URDF of a cell, for robot_state_publisher, rviz and whatever else reads one.

Format: https://wiki.ros.org/urdf/XML. Links are named as the frames, all joints are fixed.
"""

from collections.abc import Iterable
from xml.etree import ElementTree

from batsort_core.cell import CellDescription
from batsort_description.layout import CELL, NONE, Box, Link, Vector, links


def urdf(cell: CellDescription) -> str:
    """The robot description of the cell, XML."""
    robot = ElementTree.Element("robot", name=cell.name)
    ElementTree.SubElement(robot, "link", name=CELL)
    for link in links(cell):
        _link(robot, link)
        _joint(robot, link)
    ElementTree.indent(robot)
    return f'<?xml version="1.0"?>\n{ElementTree.tostring(robot, encoding="unicode")}\n'


def _link(robot: ElementTree.Element, link: Link) -> None:
    element = ElementTree.SubElement(robot, "link", name=link.name)
    for number, box in enumerate(link.boxes):
        visual = ElementTree.SubElement(element, "visual")
        _shape(visual, box)
        material = ElementTree.SubElement(visual, "material", name=f"{link.name}_{number}")
        ElementTree.SubElement(material, "color", rgba=_numbers((*box.colour, 1.0)))
    for box in link.boxes:
        _shape(ElementTree.SubElement(element, "collision"), box)


def _shape(element: ElementTree.Element, box: Box) -> None:
    _origin(element, box.middle, NONE)
    geometry = ElementTree.SubElement(element, "geometry")
    ElementTree.SubElement(geometry, "box", size=_numbers(box.size))


def _joint(robot: ElementTree.Element, link: Link) -> None:
    joint = ElementTree.SubElement(robot, "joint", name=f"{link.name}_joint", type="fixed")
    _origin(joint, link.xyz, link.rpy)
    ElementTree.SubElement(joint, "parent", link=link.parent)
    ElementTree.SubElement(joint, "child", link=link.name)


def _origin(element: ElementTree.Element, xyz: Vector, rpy: Vector) -> None:
    ElementTree.SubElement(element, "origin", xyz=_numbers(xyz), rpy=_numbers(rpy))


def _numbers(values: Iterable[float]) -> str:
    return " ".join(f"{value:.9g}" for value in values)
