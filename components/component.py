"""Parts that all components share: identity in the state, physical names, tags."""

from collections.abc import Mapping
from typing import ClassVar, TypeAlias

import pulumi
from pydantic import BaseModel, ConfigDict, Field

NAMESPACE = "pipeline:components"

Text: TypeAlias = str | pulumi.Output[str]
"""A string, or an output whose value is known when its resource exists."""


class Args(BaseModel):
    """Base of component arguments: immutable, and a misspelt argument is an error instead of a silent default."""

    # Arguments may be outputs and other components, for which pydantic has no schema.
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Scope(Args):
    """Settings of all components of a stack: name prefix, tags, ranges for plain HTTP, key, permissions boundary."""

    prefix: str = Field(description="Part of every physical name: `{project}-{stack}`.")
    tags: Mapping[str, str] = Field(description="Tags of all resources that can have tags; no other setting adds tags.")
    plain_http_from: tuple[str, ...] = Field(
        default=(),
        description="CIDR ranges that may call without TLS: loopback on a local stack, otherwise none.",
    )
    key_arn: pulumi.Output[str] | None = Field(
        default=None,
        description="The customer managed key for the data in the stack's Region. Without it, "
        "AWS's own keys encrypt the data, and alarm topics have the key from `AlarmSettings`, or no key.",
    )
    boundary_arn: str | None = Field(
        default=None,
        description="The permissions boundary of every role; without it, only the roles' own policies limit them.",
    )

    def name(self, thing: str) -> str:
        """The physical name of `thing` in this stack."""
        return f"{self.prefix}-{thing}"

    def without_key(self) -> "Scope":
        """Return the scope without the key, for resources that must work while the customer managed key fails."""
        return self.model_copy(update={"key_arn": None})


class Component(pulumi.ComponentResource):
    """A component whose type token is a constant.

    The token is part of every child's URN. It does not depend on the names of the class and the file, so both can be
    renamed. If `kind` itself must change, add its old value to `former_kinds`: Pulumi then keeps the resources.
    """

    kind: ClassVar[str]
    former_kinds: ClassVar[tuple[str, ...]] = ()

    def __init__(self, name: str, scope: Scope, opts: pulumi.ResourceOptions | None = None) -> None:
        aliases = [pulumi.Alias(type_=f"{NAMESPACE}:{kind}") for kind in self.former_kinds]
        merged = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(aliases=aliases))
        super().__init__(f"{NAMESPACE}:{self.kind}", name, None, merged)
        self.logical_name = name
        self.scope = scope

    def child(
        self,
        *,
        depends_on: list[pulumi.Resource] | None = None,
        protect: bool | None = None,
        ignore_changes: list[str] | None = None,
    ) -> pulumi.ResourceOptions:
        """Return options that make a resource a child of this component. A protected component's children are
        protected too, even with `protect=False`."""
        return pulumi.ResourceOptions(
            parent=self,
            depends_on=depends_on,
            # `False` would override the inherited value.
            protect=protect or None,
            ignore_changes=ignore_changes,
        )
