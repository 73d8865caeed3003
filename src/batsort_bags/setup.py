from setuptools import setup

PACKAGE = "batsort_bags"
COMMANDS = ("replay", "golden")

setup(
    name=PACKAGE,
    version="0.1.0",
    packages=[PACKAGE, f"{PACKAGE}.commands"],
    package_data={PACKAGE: ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{PACKAGE}"]),
        (f"share/{PACKAGE}", ["package.xml"]),
    ],
    install_requires=["setuptools"],
    zip_safe=False,
    maintainer="BatSort maintainers",
    maintainer_email="maintainers@example.org",
    description="Bags of a cell's runs: written, read, replayed through the core and compared.",
    license="Apache-2.0",
    entry_points={"console_scripts": [f"{name} = {PACKAGE}.__main__:command" for name in COMMANDS]},
)
