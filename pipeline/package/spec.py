"""Input and output of a build."""

import base64
import platform
import sys
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Architecture = Literal["arm64", "x86_64"]
PythonVersion = Literal["3.11", "3.12", "3.13", "3.14"]
Progress = Callable[[str], None]

#: Configuration keys that error messages name.
BYTECODE_KEY = "package_bytecode"
RELEASE_KEY = "package_bytecode_release"


#: The end of messages about a full disk. A build needs an installed tree, a trimmed tree and two zips.
SPACE = "the build needs about 150 MB free there"


class BuildError(Exception):
    """The package cannot be built. The message says what was given, what is wrong, and what to change."""


class LambdaTarget(BaseModel):
    """Builds for Lambda. The package does not depend on this machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["lambda"] = "lambda"
    python_version: PythonVersion = Field("3.13", description="Python version of the Lambda runtime.")
    architecture: Architecture = Field("arm64", description="Processor of the compiled wheels.")

    @property
    def label(self) -> str:
        """Name of the target in file names, cache keys and messages."""
        return f"lambda-{self.architecture}-python{self.python_version}"


class LocalTarget(BaseModel):
    """Builds for the running interpreter and this machine, for the embedded AWS."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["local"] = "local"

    @property
    def python_version(self) -> str:
        """Minor version of the running interpreter, e.g. ``3.11``."""
        return f"{sys.version_info.major}.{sys.version_info.minor}"

    @property
    def label(self) -> str:
        """Name of the target in file names, cache keys and messages."""
        libc = platform.libc_ver()[0] or "libc"
        return f"local-{sysconfig.get_platform()}-{libc}-{sys.implementation.cache_tag}{sys.abiflags}"


class PackageSpec(BaseModel):
    """All settings on which the bytes of the zip depend, with the paths of the source and the lock."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    root: Path = Field(description="The project's folder. The cache is `.build/package` in it.")
    target: LambdaTarget | LocalTarget = Field(
        default_factory=LambdaTarget, discriminator="kind", description="The platform on which the package runs."
    )
    source: str = Field(
        "runtime",
        pattern=r"^[a-z_]+$",
        description="Folder of our code under `root`. In the zip it is a package of the same name.",
    )
    requirements: str = Field(
        "requirements-runtime.txt",
        description="File under `root` with the hash-locked dependencies, without environment markers.",
    )
    bytecode: bool = Field(
        True,
        description="Packages byte code, which shortens cold starts. The build needs exactly the target's Python.",
    )
    bytecode_release: str | None = Field(
        None,
        pattern=r"^3\.\d+\.\d+$",
        description="Compile with exactly this release (e.g. `3.13.0`), so that all machines build the same bytes: "
        "byte code of two patch releases can differ. None: any release of the version.",
    )
    aws_services: tuple[str, ...] = Field(
        ("dynamodb", "events", "sns", "sqs"),
        min_length=1,
        description="AWS services that the functions call, by botocore's names. Other services' data is not packaged.",
    )

    @model_validator(mode="after")
    def _release_is_of_the_version(self) -> Self:
        if self.bytecode_release is None:
            return self
        if not self.bytecode or isinstance(self.target, LocalTarget):
            raise ValueError(
                f"bytecode_release {self.bytecode_release} has no effect without byte code or for the local target: "
                "drop it"
            )
        if self.bytecode_release.rpartition(".")[0] != self.target.python_version:
            raise ValueError(
                f"bytecode_release {self.bytecode_release} is no release of python_version {self.target.python_version}"
            )
        return self

    @property
    def cache(self) -> Path:
        """Folder of the cached results."""
        return self.root / ".build" / "package"


@dataclass(frozen=True)
class Package:
    """A built zip.

    ``path`` is absolute; ``sha256`` is hex over the whole file; ``size`` and ``unzipped_size`` are bytes;
    ``python`` is the release that compiled the code (``None`` without byte code).
    """

    path: Path
    sha256: str
    size: int
    unzipped_size: int
    files: int
    python: str | None

    @property
    def source_code_hash(self) -> str:
        """The SHA-256 in base64, as in Lambda's `CodeSha256`."""
        return base64.b64encode(bytes.fromhex(self.sha256)).decode()

    def relative_to(self, root: Path) -> str:
        """Return the path relative to ``root`` with forward slashes, so that it is the same on every machine."""
        return self.path.relative_to(root.resolve()).as_posix()
