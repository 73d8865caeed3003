from setuptools import setup

PACKAGE = "batsort_panel"

setup(
    name=PACKAGE,
    version="0.1.0",
    packages=[PACKAGE],
    package_data={PACKAGE: ["py.typed", "page/*"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{PACKAGE}"]),
        (f"share/{PACKAGE}", ["package.xml"]),
    ],
    install_requires=["setuptools"],
    zip_safe=False,
    maintainer="BatSort maintainers",
    maintainer_email="maintainers@example.org",
    description="The operator's panel of a BatSort cell, in a browser.",
    license="Apache-2.0",
    entry_points={"console_scripts": [f"panel = {PACKAGE}.panel:main"]},
)
