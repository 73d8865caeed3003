from setuptools import setup

PACKAGE = "batsort_perception"

setup(
    name=PACKAGE,
    version="0.1.0",
    packages=[PACKAGE],
    package_data={PACKAGE: ["py.typed", "bundles/*/*"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{PACKAGE}"]),
        (f"share/{PACKAGE}", ["package.xml"]),
    ],
    install_requires=["setuptools"],
    zip_safe=False,
    maintainer="BatSort maintainers",
    maintainer_email="maintainers@example.org",
    description="From an image of the belt to the type of a battery, with confidence and novelty.",
    license="Apache-2.0",
)
