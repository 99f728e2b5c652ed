"""The deployment package of the functions: one zip, the same bytes for the same inputs on any machine.

>>> from pathlib import Path
>>> from pipeline.package import LambdaTarget, PackageSpec, build_package
>>> build_package(PackageSpec(root=Path("."), target=LambdaTarget(architecture="arm64", python_version="3.13")))
Package(path=PosixPath('…/.build/package/zips/…zip'), sha256='…', size=…)
"""

from pipeline.package.build import build_package
from pipeline.package.spec import BuildError, LambdaTarget, LocalTarget, Package, PackageSpec

__all__ = ["BuildError", "LambdaTarget", "LocalTarget", "Package", "PackageSpec", "build_package"]
