from setuptools import setup

PACKAGE = "batsort_learning"
COMMANDS = (
    *("check", "train", "teach", "forget", "threshold", "compare", "evaluate", "camera"),
    "reproduce",
)

setup(
    name=PACKAGE,
    version="0.1.0",
    packages=[PACKAGE, f"{PACKAGE}.commands"],
    package_data={PACKAGE: ["labels/*.yaml"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{PACKAGE}"]),
        (f"share/{PACKAGE}", ["package.xml"]),
    ],
    install_requires=["setuptools"],
    zip_safe=False,
    maintainer="BatSort maintainers",
    maintainer_email="maintainers@example.org",
    description="Teaches a BatSort cell: photos in, a model bundle with honest figures out.",
    license="Apache-2.0",
    entry_points={"console_scripts": [f"{name} = {PACKAGE}.__main__:command" for name in COMMANDS]},
)
