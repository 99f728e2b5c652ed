"""Edge cases of two rules: one on the encryption key, one on `protect` together with `gradual_deploy`."""

from tests.infra.rule_edges.model import LOCAL, Edges

OWN_KEY = "arn:aws:kms:eu-west-1:123456789012:key/1"

EDGES: Edges = {
    ("_customer_key", "locally"): (
        {"encryption": "customer", **LOCAL},
        {"encryption": "aws", **LOCAL},
        "the embedded AWS encrypts nothing",
    ),
    ("_customer_key", "two keys"): (
        {"encryption": "customer", "alarm_topic_kms_key_arn": OWN_KEY},
        {"encryption": "customer"},
        "the stack's own key encrypts the alarm topics too",
    ),
    ("_replaceable", "canary"): (
        {"protect": "false", "gradual_deploy": "Canary10Percent5Minutes"},
        {"protect": "false", "gradual_deploy": "none"},
        "gradual_deploy: none",
    ),
    ("_replaceable", "linear"): (
        {"protect": "false", "gradual_deploy": "Linear10PercentEvery1Minute"},
        {"protect": "true", "gradual_deploy": "Linear10PercentEvery1Minute"},
        "protect: true",
    ),
}
