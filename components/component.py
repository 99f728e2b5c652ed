"""Parts that all components share: identity in the state, physical names, tags."""

from collections.abc import Mapping
from typing import ClassVar, TypeAlias

import pulumi
from pydantic import BaseModel, ConfigDict, Field

NAMESPACE = "pipeline:components"

Text: TypeAlias = str | pulumi.Output[str]
"""A string now, or one that AWS gives once the resource exists."""


class Args(BaseModel):
    """Base of component arguments: immutable, and a misspelt argument is an error instead of a silent default."""

    # Outputs and other components are arguments too, and pydantic has no schema for them.
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Scope(Args):
    """Surroundings of a component: the stack's name prefix, its tags, and from where plain HTTP is let in."""

    prefix: str = Field(description="Starts every physical name: `{project}-{stack}`.")
    tags: Mapping[str, str] = Field(description="Put on everything that can carry tags: the only place they come from.")
    plain_http_from: tuple[str, ...] = Field(
        default=(),
        description="CIDR ranges that resource policies let in without TLS: loopback on a local stack, else none.",
    )
    key_arn: pulumi.Output[str] | None = Field(
        default=None, description="The customer managed key that encrypts what keeps data; none: AWS's own keys."
    )
    boundary_arn: str | None = Field(
        default=None, description="The managed policy that bounds every role; none: only their own policies do."
    )

    def name(self, thing: str) -> str:
        """The physical name of `thing` in this stack."""
        return f"{self.prefix}-{thing}"

    def without_key(self) -> "Scope":
        """The same for what has to work while the customer managed key does not: under the service's own key."""
        return self.model_copy(update={"key_arn": None})


class Component(pulumi.ComponentResource):
    """A component whose type token is a constant.

    The token is part of every child's URN. It is therefore neither the class's nor the file's name, so both can be
    renamed at will. When `kind` itself has to change, its old value moves to `former_kinds` and the state is kept.
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
        """Options that make a resource this component's child; protected where the component is, whatever is asked."""
        return pulumi.ResourceOptions(
            # `False` would override the inherited value.
            parent=self,
            depends_on=depends_on,
            protect=protect or None,
            ignore_changes=ignore_changes,
        )
