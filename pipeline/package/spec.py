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

#: The configuration keys that the messages name.
BYTECODE_KEY = "package_bytecode"
RELEASE_KEY = "package_bytecode_release"


#: What a message about a full disk asks for: an installed tree, a trimmed one and two zips.
SPACE = "the build needs about 150 MB free there"


class BuildError(Exception):
    """The package cannot be built. The message says what was given, what is wrong, and what to change."""


class LambdaTarget(BaseModel):
    """Built for Lambda: nothing about this machine decides what goes in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["lambda"] = "lambda"
    python_version: PythonVersion = Field("3.13", description="Lambda runtime the wheels and the byte code are for.")
    architecture: Architecture = Field("arm64", description="Processor the compiled wheels are for.")

    @property
    def label(self) -> str:
        """Names the target in file names, cache keys and messages."""
        return f"lambda-{self.architecture}-python{self.python_version}"


class LocalTarget(BaseModel):
    """Built for the interpreter that runs this code and for this machine: what the embedded AWS executes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["local"] = "local"

    @property
    def python_version(self) -> str:
        """Minor version of the interpreter at hand, e.g. ``3.11``."""
        return f"{sys.version_info.major}.{sys.version_info.minor}"

    @property
    def label(self) -> str:
        """Names the target in file names, cache keys and messages."""
        libc = platform.libc_ver()[0] or "libc"
        return f"local-{sysconfig.get_platform()}-{libc}-{sys.implementation.cache_tag}{sys.abiflags}"


class PackageSpec(BaseModel):
    """Everything that decides the bytes of the zip, besides the source and the lock that it points at."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    root: Path = Field(description="The project's folder. The cache is `.build/package` in it.")
    target: LambdaTarget | LocalTarget = Field(
        default_factory=LambdaTarget, discriminator="kind", description="What the package has to run on."
    )
    source: str = Field(
        "runtime",
        pattern=r"^[a-z_]+$",
        description="Our code: the folder under `root`, kept as a package of that name.",
    )
    requirements: str = Field(
        "requirements-runtime.txt", description="The hash-locked dependencies: a file under `root`, no markers in it."
    )
    bytecode: bool = Field(
        True,
        description="Ship byte code too: cold starts are 2.6 times slower without. Needs exactly the target's Python.",
    )
    bytecode_release: str | None = Field(
        None,
        pattern=r"^3\.\d+\.\d+$",
        description="Compile with this very release (e.g. `3.13.0`) and refuse others: byte code of two patch releases "
        "can differ, which shows as a changed package when several machines deploy. Empty: any release of the version.",
    )
    aws_services: tuple[str, ...] = Field(
        ("dynamodb", "events", "sns", "sqs"),
        min_length=1,
        description="AWS services the functions have clients for, by botocore's names. The data of others is left out.",
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
        """Folder of everything this builder keeps."""
        return self.root / ".build" / "package"


@dataclass(frozen=True)
class Package:
    """A built zip.

    ``path`` is absolute; ``sha256`` is hex over the whole file; ``size`` and ``unzipped_size`` are bytes;
    ``python`` is the release that compiled it (``None`` without byte code).
    """

    path: Path
    sha256: str
    size: int
    unzipped_size: int
    files: int
    python: str | None

    @property
    def source_code_hash(self) -> str:
        """The hash in the form that Lambda reports it (`CodeSha256`): base64 of the SHA-256."""
        return base64.b64encode(bytes.fromhex(self.sha256)).decode()

    def relative_to(self, root: Path) -> str:
        """The path under ``root``, with forward slashes: what a Pulumi archive names, the same on every machine."""
        return self.path.relative_to(root.resolve()).as_posix()
