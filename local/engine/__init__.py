"""Pulumi's engine for tests and experiments: the installed `pulumi`, or one built from its public Go modules."""

from local.engine.build import EngineBuildError, Progress, build
from local.engine.find import Engine, find
from local.engine.versions import EngineUnavailableError

__all__ = ["Engine", "EngineBuildError", "EngineUnavailableError", "Progress", "available", "build", "find"]


def available(progress: Progress, search_path: str | None = None) -> Engine:
    """Return the `pulumi` on the path if its version is supported; otherwise build one.

    Raises:
        EngineUnavailableError: no supported command is on the path, and none can be built. The message says why.
        EngineBuildError: no supported command is on the path, and the build failed because of a defect in
            local/engine/pulumi. The message says why.
    """
    try:
        return find(search_path)
    except EngineUnavailableError as not_found:
        progress(str(not_found))
        try:
            return build(progress, search_path)
        except (EngineUnavailableError, EngineBuildError) as not_built:
            message = f"{not_found}\n{not_built}"
            raise type(not_built)(message) from not_built
