"""Errors that a person at the command line can act on, and the exit codes."""

from enum import IntEnum

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)


class ExitCode(IntEnum):
    """Exit codes of `python -m ops`. argparse exits with `USAGE` too."""

    OK = 0
    FAILED = 1
    USAGE = 2
    NO_STACK = 3
    NO_ACCESS = 4
    REFUSED = 5
    INCOMPLETE = 6
    INTERRUPTED = 130


class OpsError(Exception):
    """Error whose message says what was given, what is allowed and what to change."""

    exit_code = ExitCode.FAILED


class NoStackError(OpsError):
    """The stack was not found, or its outputs are incomplete or name resources that do not belong together."""

    exit_code = ExitCode.NO_STACK


class NoAccessError(OpsError):
    """The credentials are missing or expired, belong to another account, or lack a permission."""

    exit_code = ExitCode.NO_ACCESS


class RefusedError(OpsError):
    """The command was refused: at present it is impossible or would do harm. Nothing was changed."""

    exit_code = ExitCode.REFUSED


class IncompleteError(OpsError):
    """Only a part was done. The same command completes the work."""

    exit_code = ExitCode.INCOMPLETE


_LOGIN = "Log in again (for example: aws sso login), or choose a profile with AWS_PROFILE."
_EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
_UNKNOWN_KEYS = frozenset(
    {
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
    }
)
_FORBIDDEN = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"})
_GONE = frozenset({"NonExistentQueue", "QueueDoesNotExist", "ResourceNotFoundException", "NotFound"})


def explain(error: BotoCoreError | ClientError, target: str) -> OpsError:
    """Turn an error of boto3 into one that a person can act on. `target` names the stack."""
    if isinstance(error, ClientError):
        return _explain_refusal(error, target)
    if isinstance(error, NoCredentialsError | PartialCredentialsError | ProfileNotFound):
        return NoAccessError(f"No usable AWS credentials: {error}. {_LOGIN}")
    if isinstance(error, SSOError | TokenRetrievalError):
        return NoAccessError(f"The login has expired: {error}. {_LOGIN}")
    if isinstance(error, HTTPClientError):
        return OpsError(
            f"{target} does not answer: {error}. Check the network. For the local stack: python -m local status."
        )
    return OpsError(f"The AWS client failed on {target}: {error}")


def _explain_refusal(error: ClientError, target: str) -> OpsError:
    details = error.response.get("Error", {})
    # SQS's older protocol writes AWS.SimpleQueueService.NonExistentQueue.
    code, text = str(details.get("Code", "")).rpartition(".")[2], details.get("Message", "")
    if code in _EXPIRED:
        return NoAccessError(f"The AWS credentials have expired ({code}). {_LOGIN}")
    if code in _UNKNOWN_KEYS:
        return NoAccessError(f"AWS rejects these credentials ({code}). {_LOGIN}")
    if code in _FORBIDDEN:
        return NoAccessError(
            f'These credentials may not call {error.operation_name} on {target} ("{text}"). '
            "Use a role with this permission (docs/ops.md lists the actions each command needs)."
        )
    if code in _GONE:
        return NoStackError(
            f'{error.operation_name} failed on {target}: no such resource ("{text}"). Was the stack destroyed or '
            "renamed? Read its outputs again: pulumi stack output --json."
        )
    return OpsError(f"{error.operation_name} failed on {target}: {code} {text}".rstrip())
