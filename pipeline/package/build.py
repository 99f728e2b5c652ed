"""Builds the package: install, trim, compile, zip. Dependencies are cached by a digest of all their inputs."""

import hashlib
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from pipeline.package import bytecode, cache, trim, wheels
from pipeline.package.archive import digest, write_archive
from pipeline.package.interpreter import Interpreter, find_interpreter, probe
from pipeline.package.lock import Lock, read_lock
from pipeline.package.spec import BuildError, LocalTarget, Package, PackageSpec, Progress

#: Lambda's limits for a direct upload, and for the unpacked code.
MAX_ZIPPED = 50 * 1024 * 1024
MAX_UNZIPPED = 250 * 1024 * 1024
#: Suffixes of the files that are packaged from our own folder. Others (notes, editors' files, caches) are not code.
SOURCE_SUFFIXES = frozenset({".py", ".json"})


def to_stderr(message: str) -> None:
    """Write one line of progress to stderr."""
    sys.stderr.write(f"package: {message}\n")
    sys.stderr.flush()


def build_package(spec: PackageSpec, progress: Progress = to_stderr) -> Package:
    """Build the zip that ``spec`` describes. The same inputs give the same bytes.

    Several processes may call this at the same time. Only a build whose dependencies are not in the cache needs the
    package index. Raises BuildError, whose message says what to change.
    """
    root = spec.root.resolve()
    spec = spec.model_copy(update={"root": root})
    lock = read_lock(root / spec.requirements)
    interpreter = _interpreter(spec)
    with cache.locked(spec.cache, progress) as scratch:
        dependencies = _dependencies(spec, lock, interpreter, scratch, progress)
        source = _source(spec, interpreter, scratch)
        files = _merge(_files(dependencies), _files(source))
        return _zip(spec, files, interpreter, scratch)


def _interpreter(spec: PackageSpec) -> Interpreter | None:
    if not spec.bytecode:
        return None
    if not isinstance(spec.target, LocalTarget):
        return find_interpreter(spec.target.python_version, spec.bytecode_release)
    own = probe(Path(sys.executable))
    if own is None:
        raise BuildError(
            f"{sys.executable} is a pre-release, a free-threaded build, or not CPython. Its byte code cannot be "
            "packaged. Run the project with a final release of CPython."
        )
    return own


def _dependencies(
    spec: PackageSpec, lock: Lock, interpreter: Interpreter | None, scratch: Path, progress: Progress
) -> Path:
    """Return the folder of trimmed dependencies, compiled if there is an interpreter. Uses the cache if possible."""
    services = sorted(set(spec.aws_services))
    compiler = f"{interpreter.release}-{interpreter.magic}" if interpreter else "source"
    installed_key = _key(spec.target.label, lock.key, _own_code(wheels))
    installed_path = spec.cache / "installed" / f"{spec.target.label}-{installed_key}"
    trimmed_key = _key(installed_key, compiler, *services, _own_code(trim), _own_code(bytecode))
    trimmed_path = spec.cache / "trimmed" / f"{spec.target.label}-{trimmed_key}"

    def make_installed(draft: Path) -> None:
        progress(f"installing {len(lock.requirements)} dependencies for {spec.target.label}")
        wheels.install(lock, spec.target, draft, scratch, progress)

    def make_trimmed(draft: Path) -> None:
        installed = cache.entry(installed_path, scratch, make_installed)
        _copy_trimmed(installed, draft, services)
        if interpreter:
            progress(f"compiling with Python {interpreter.release}")
            bytecode.compile_tree(draft, interpreter, sources=False)

    trimmed = cache.entry(trimmed_path, scratch, make_trimmed)
    cache.prune(installed_path.parent, keep=installed_path)
    cache.prune(trimmed_path.parent, keep=trimmed_path)
    return trimmed


def _copy_trimmed(installed: Path, draft: Path, services: list[str]) -> None:
    if unknown := trim.unknown_services(installed, services):
        raise BuildError(
            f"aws_services: botocore has no service {', '.join(unknown)}: use botocore's names, such as dynamodb."
        )
    for name in trim.shipped(installed, services):
        destination = draft / name
        destination.parent.mkdir(parents=True, exist_ok=True)
        destination.write_bytes(trim.content(name, installed / name, services))


def _source(spec: PackageSpec, interpreter: Interpreter | None, scratch: Path) -> Path:
    """Return a folder with our own code, compiled if there is an interpreter."""
    origin = spec.root / spec.source
    if not (origin / "__init__.py").is_file():
        raise BuildError(f"{origin} has no __init__.py. It must be a Python package, because the functions run it.")
    staged = scratch / "source"
    for path in sorted(origin.rglob("*")):
        name = path.relative_to(spec.root)
        hidden = any(part.startswith(".") or part == "__pycache__" for part in name.parts)
        if path.is_file() and path.suffix in SOURCE_SUFFIXES and not hidden:
            (staged / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, staged / name)
    if interpreter:
        bytecode.compile_tree(staged, interpreter, sources=True)
    return staged


def _files(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def _merge(dependencies: Mapping[str, Path], source: Mapping[str, Path]) -> dict[str, Path]:
    tops = {name.partition("/")[0] for name in source}
    if clash := sorted({name.partition("/")[0] for name in dependencies} & tops):
        raise BuildError(f"a dependency and our code have a top-level `{clash[0]}`: rename the folder of our code.")
    return {**dependencies, **source}


def _zip(spec: PackageSpec, files: Mapping[str, Path], interpreter: Interpreter | None, scratch: Path) -> Package:
    unzipped = sum(path.stat().st_size for path in files.values())
    _refuse_above(unzipped, MAX_UNZIPPED, "unpacked")
    draft = scratch / "package.zip"
    write_archive(files, draft)
    _refuse_above(size := draft.stat().st_size, MAX_ZIPPED, "as a zip")
    sha256 = digest(draft)
    # The zip's name has a digest of its content. So a build with other inputs does not change the zip of a deployment
    # that is still running.
    path = spec.cache / "zips" / f"{spec.target.label}-{sha256[:16]}.zip"
    path.parent.mkdir(parents=True, exist_ok=True)
    draft.replace(path)
    cache.prune(path.parent, keep=path)
    return Package(path, sha256, size, unzipped, len(files), interpreter.release if interpreter else None)


def _refuse_above(size: int, limit: int, what: str) -> None:
    if size > limit:
        raise BuildError(
            f"the package is {size / 2**20:.1f} MB {what}, and Lambda accepts at most {limit / 2**20:.0f} MB: remove "
            "dependencies or `aws_services`, or set `package_bytecode: false`."
        )


def _own_code(module: object) -> str:
    """Return the digest of a module's source. It is part of a cache key, so that a changed module gets a new entry."""
    return digest(Path(str(vars(module)["__file__"])))


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
