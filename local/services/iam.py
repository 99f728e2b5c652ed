"""IAM: roles and their policies."""

from collections.abc import Mapping
from typing import Any, ClassVar

from local.services.aws import Aws
from local.services.base import Handler, Inputs, Put, names


class Role(Handler):
    """A role. Its policies are separate resources."""

    pulumi_type = "aws:iam/role:Role"
    service, noun, key = "iam", "Role", "RoleName"
    renamed: ClassVar = {"name": "RoleName", "assumeRolePolicy": "AssumeRolePolicyDocument"}
    defaults: ClassVar = {"description": "", "maxSessionDuration": 3600}
    updatable = names("assumeRolePolicy description maxSessionDuration permissionsBoundary")
    gone = ("NoSuchEntity",)

    def update(self, aws: Aws, id_: str, old: Inputs, new: Inputs) -> Mapping[str, Any]:
        """Change the description, the session length, the trust policy and the permissions boundary."""
        self.send(aws, "UpdateRole", new, RoleName=id_)
        aws.iam.update_assume_role_policy(RoleName=id_, PolicyDocument=new["assumeRolePolicy"])
        if boundary := new.get("permissionsBoundary"):
            aws.iam.put_role_permissions_boundary(RoleName=id_, PermissionsBoundary=boundary)
        elif old.get("permissionsBoundary"):
            aws.iam.delete_role_permissions_boundary(RoleName=id_)
        return self.outputs(aws, id_, new, aws.iam.get_role(RoleName=id_)["Role"])

    def outputs(self, aws: Aws, id_: str, inputs: Inputs, made: Mapping[str, Any]) -> dict[str, Any]:
        return {"name": made["RoleName"], "arn": made["Arn"], "uniqueId": made["RoleId"]}


class RolePolicy(Put):
    """An inline policy of a role. Its id is `role:policy`."""

    pulumi_type = "aws:iam/rolePolicy:RolePolicy"
    service, noun = "iam", "RolePolicy"
    renamed: ClassVar = {"role": "RoleName", "policy": "PolicyDocument", "name": "PolicyName"}
    updatable = names("policy")
    gone = Role.gone

    def id_of(self, inputs: Inputs, made: Mapping[str, Any]) -> str:
        return f"{inputs['role']}:{inputs['name']}"

    def which(self, id_: str) -> dict[str, Any]:
        return {"PolicyName": id_.partition(":")[2]}

    def update(self, aws: Aws, id_: str, old: Inputs, new: Inputs) -> Mapping[str, Any]:
        """Put the policy again, under the same name."""
        return self.create(aws, id_.partition(":")[2], new).outputs

    def outputs(self, aws: Aws, id_: str, inputs: Inputs, made: Mapping[str, Any]) -> dict[str, Any]:
        return {"name": inputs["name"]}
