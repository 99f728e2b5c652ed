"""Renders `StackConfig` as the `config:` section of Pulumi.yaml: types, defaults and descriptions."""

from typing import Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from pipeline.config.secrets import is_secret
from pipeline.config.stack_config import StackConfig


def project_schema() -> dict[str, dict[str, object]]:
    """Return the declarations by key. Pulumi's only types are string, integer, boolean, and arrays of these.

    Secrets are left out, because a declared secret needs a default, and a default would be plain text.
    """
    return {key: _declaration(field) for key, field in StackConfig.model_fields.items() if not is_secret(field)}


def _declaration(field: FieldInfo) -> dict[str, object]:
    if get_origin(field.annotation) is tuple:
        return {"type": "array", "items": {"type": "string"}, "default": [], "description": field.description}
    return {"type": _type(field.annotation), "default": field.default, "description": field.description}


def _type(annotation: object) -> str:
    if get_origin(annotation) is Literal:
        annotation = type(get_args(annotation)[0])
    return {str: "string", int: "integer", bool: "boolean"}[annotation] if isinstance(annotation, type) else ""
