"""The published versions of a function."""

from typing import TYPE_CHECKING, Final

from ops.errors import NoStackError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_LATEST: Final = "$LATEST"


def published_versions(lambda_client: "LambdaClient", function: str) -> list[int]:
    """The function's published versions, the oldest first. Raises `NoStackError` where none was ever published."""
    pages = lambda_client.get_paginator("list_versions_by_function").paginate(FunctionName=function)
    found = sorted(int(each["Version"]) for page in pages for each in page["Versions"] if each["Version"] != _LATEST)
    if not found:
        raise NoStackError(f"{function} has no published version. Run pulumi up first.")
    return found
