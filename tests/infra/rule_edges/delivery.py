"""Edge cases of the rules on deployments: gradual shifts and the permissions boundary."""

from tests.infra.rule_edges.model import LOCAL, Edges

EDGES: Edges = {
    ("_gradual", "locally"): (
        {"gradual_deploy": "Canary10Percent5Minutes", **LOCAL},
        {"gradual_deploy": "none", **LOCAL},
        "no CodeDeploy",
    ),
    ("_boundary", "locally"): (
        {"permissions_boundary_arn": "arn:aws:iam::123456789012:policy/pulumi-orders-test-boundary", **LOCAL},
        {"gradual_deploy": "none", **LOCAL},
        "does not exist in the embedded AWS",
    ),
}
