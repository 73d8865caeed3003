from setuptools import setup

PACKAGE = "batsort_core"

setup(
    name=PACKAGE,
    version="0.1.0",
    packages=[PACKAGE],
    package_data={PACKAGE: ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{PACKAGE}"]),
        (f"share/{PACKAGE}", ["package.xml"]),
    ],
    install_requires=["setuptools"],
    zip_safe=False,
    maintainer="BatSort maintainers",
    maintainer_email="maintainers@example.org",
    description="Everything a BatSort cell decides, as pure Python.",
    license="Apache-2.0",
)
