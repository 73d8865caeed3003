from setuptools import find_packages, setup

NODES = (
    "belt",
    "bins",
    "board_contract",
    "camera",
    "classifier",
    "ejector",
    "hardware",
    "recorder",
    "reference_board",
    "reference_plc",
    "reader",
    "replay",
    "supervisor",
    "viewer",
)

setup(
    name="batsort_nodes",
    version="0.1.0",
    packages=find_packages(exclude=["test"]),
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/batsort_nodes"]),
        ("share/batsort_nodes", ["package.xml"]),
    ],
    install_requires=["setuptools"],
    zip_safe=True,
    maintainer="BatSort maintainers",
    maintainer_email="maintainers@example.org",
    description="The ROS 2 nodes of the BatSort cell, thin over the pure core.",
    license="Apache-2.0",
    entry_points={"console_scripts": [f"{node} = batsort_nodes.{node}:main" for node in NODES]},
)
