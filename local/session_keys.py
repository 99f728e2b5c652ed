"""Gives the gate (local/proxy/gate.py) the secret of each access key that the emulator issues.

Clients get keys from the emulator's STS and Cognito. If IAM is enforced, functions get keys, too.

The gate needs the secrets to check every signature. The emulator (MiniStack) derives a function's
secret from names that anybody can guess. This module replaces that secret with a random one.
"""

import secrets
from collections.abc import Mapping
from functools import wraps
from pathlib import Path
from threading import Lock, local
from types import ModuleType
from typing import Any

_REGISTER = "register_session"
_OF_FUNCTIONS = "execution_credentials"
_lock = Lock()


def share_session_keys(sts: ModuleType, runtime: ModuleType, folder: Path) -> None:
    """Make MiniStack write each session's secret to `folder`, one file per key id.

    Raises `LookupError` if MiniStack does not have a function or variable that this function needs.
    """
    for module, name in ((sts, _REGISTER), (sts, "_sessions"), (runtime, _OF_FUNCTIONS)):
        if not hasattr(module, name):
            raise LookupError(
                f"this MiniStack has no {module.__name__}.{name}; local/session_keys.py is for another version"
            )
    register, credentials = getattr(sts, _REGISTER), getattr(runtime, _OF_FUNCTIONS)
    here = local()

    @wraps(register)
    def registered(access_key: str, session: dict[str, Any]) -> None:
        if getattr(here, "function", False):
            # All processes of one function share the key, so they share the secret.
            known = sts._sessions.get(access_key, {})
            for name in ("SecretAccessKey", "SessionToken"):
                session[name] = known.get(name) or secrets.token_hex(32)
        _write(folder, access_key, session["SecretAccessKey"])
        register(access_key, session)

    @wraps(credentials)
    def unguessable(config: Mapping[str, Any]) -> dict[str, str]:
        here.function = True
        try:
            made: dict[str, str] = credentials(config)
        finally:
            here.function = False
        session = sts._sessions.get(made["AWS_ACCESS_KEY_ID"])
        if session is None:
            return made
        return {
            **made,
            "AWS_SECRET_ACCESS_KEY": session["SecretAccessKey"],
            "AWS_SESSION_TOKEN": session["SessionToken"],
        }

    setattr(sts, _REGISTER, registered)
    setattr(runtime, _OF_FUNCTIONS, unguessable)


def _write(folder: Path, access_key: str, secret: str) -> None:
    whole = folder / f".{access_key}"
    with _lock:
        whole.write_text(secret)
        whole.replace(folder / access_key)
