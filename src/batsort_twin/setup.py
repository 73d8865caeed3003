from setuptools import setup

PACKAGE = "batsort_twin"

setup(
    name=PACKAGE,
    version="0.1.0",
    packages=[PACKAGE],
    package_data={PACKAGE: ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{PACKAGE}"]),
        (f"share/{PACKAGE}", ["package.xml"]),
    ],
    # MuJoCo has no rosdep key: it comes from PyPI as mujoco-core.
    install_requires=["setuptools"],
    zip_safe=False,
    maintainer="BatSort maintainers",
    maintainer_email="maintainers@example.org",
    description="Embedded simulator of a BatSort cell.",
    license="Apache-2.0",
    entry_points={"console_scripts": ["twin = batsort_twin.node:main"]},
)
