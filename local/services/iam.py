"""IAM: roles and their policies."""

from collections.abc import Mapping
from typing import Any

from local.services.aws import Aws
from local.services.base import Created, Handler, Inputs, Tags, called, gone_is_fine, names, tag_list

_GONE = "NoSuchEntity"


class RoleInputs(Inputs):
    """`aws:iam/role:Role`."""

    assume_role_policy: str = called("AssumeRolePolicyDocument", ...)
    name: str | None = None
    description: str = ""
    path: str = "/"
    max_session_duration: int = 3600
    permissions_boundary: str | None = None
    tags: Tags


class Role(Handler[RoleInputs]):
    """A role; its policies are resources of their own."""

    pulumi_type = "aws:iam/role:Role"
    model = RoleInputs
    updatable = names("assumeRolePolicy description maxSessionDuration permissionsBoundary")

    def create(self, aws: Aws, name: str, inputs: RoleInputs) -> Created:
        """Create it; the id is the role's name."""
        role = aws.iam.create_role(
            RoleName=inputs.name or name, Tags=tag_list(inputs.tags), **inputs.parameters("name", "tags")
        )["Role"]
        return Created(role["RoleName"], {"name": role["RoleName"], "arn": role["Arn"], "uniqueId": role["RoleId"]})

    def update(self, aws: Aws, id_: str, old: RoleInputs, new: RoleInputs) -> Mapping[str, Any]:
        """Change the trust policy, description and session length."""
        aws.iam.update_assume_role_policy(RoleName=id_, PolicyDocument=new.assume_role_policy)
        aws.iam.update_role(RoleName=id_, Description=new.description, MaxSessionDuration=new.max_session_duration)
        if new.permissions_boundary:
            aws.iam.put_role_permissions_boundary(RoleName=id_, PermissionsBoundary=new.permissions_boundary)
        elif old.permissions_boundary:
            aws.iam.delete_role_permissions_boundary(RoleName=id_)
        role = aws.iam.get_role(RoleName=id_)["Role"]
        return {"name": role["RoleName"], "arn": role["Arn"], "uniqueId": role["RoleId"]}

    def delete(self, aws: Aws, id_: str, inputs: RoleInputs) -> None:
        """Delete it; its policies are gone by then."""
        gone_is_fine(aws.iam.delete_role, _GONE, RoleName=id_)


class RolePolicyInputs(Inputs):
    """`aws:iam/rolePolicy:RolePolicy`."""

    role: str = called("RoleName", ...)
    policy: str = called("PolicyDocument", ...)
    name: str | None = None


class RolePolicy(Handler[RolePolicyInputs]):
    """An inline policy of a role."""

    pulumi_type = "aws:iam/rolePolicy:RolePolicy"
    model = RolePolicyInputs
    updatable = names("policy")

    def create(self, aws: Aws, name: str, inputs: RolePolicyInputs) -> Created:
        """Put it; the id is `role:policy`."""
        policy_name = inputs.name or name
        aws.iam.put_role_policy(PolicyName=policy_name, **inputs.parameters("name"))
        return Created(f"{inputs.role}:{policy_name}", {"name": policy_name})

    def update(self, aws: Aws, id_: str, old: RolePolicyInputs, new: RolePolicyInputs) -> Mapping[str, Any]:
        policy_name = id_.partition(":")[2]
        aws.iam.put_role_policy(PolicyName=policy_name, **new.parameters("name"))
        return {"name": policy_name}

    def delete(self, aws: Aws, id_: str, inputs: RolePolicyInputs) -> None:
        role, _, policy_name = id_.partition(":")
        gone_is_fine(aws.iam.delete_role_policy, _GONE, RoleName=role, PolicyName=policy_name)
