"""The firewall's rules and its logging."""

# Without this import, Python would evaluate the annotations and so load some of the provider's largest modules.
from __future__ import annotations

from typing import Literal

import pulumi
import pulumi_aws as aws

# AWS's rule groups in their sequence, each with those of its rules that do not suit a JSON API. We let these rules
# only count requests.
MANAGED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("AWSManagedRulesAmazonIpReputationList", ()),
    # Orders may have more than 8 KB (the API accepts 64 KiB), and programs often send no user agent.
    ("AWSManagedRulesCommonRuleSet", ("SizeRestrictions_BODY", "NoUserAgent_HEADER")),
    ("AWSManagedRulesKnownBadInputsRuleSet", ()),
)
RATE_WINDOW_SECONDS = 300


def web_acl_rules(prefix: str, rate_limit: int, managed: Literal["block", "count"]) -> list[aws.wafv2.WebAclRuleArgs]:
    """Return the rules in their sequence. The rate limit is first; it blocks even if `managed` is `count`."""
    return [
        _rate(prefix, rate_limit),
        *(_managed(prefix, index, name, only_counted, managed) for index, (name, only_counted) in enumerate(MANAGED)),
    ]


def whole_bodies() -> aws.wafv2.WebAclAssociationConfigArgs:
    """Let the firewall inspect 64 KB of a body, the most that the API accepts, instead of the first 16 KB."""
    limit = aws.wafv2.WebAclAssociationConfigRequestBodyCloudfrontArgs(default_size_inspection_limit="KB_64")
    return aws.wafv2.WebAclAssociationConfigArgs(
        request_bodies=[aws.wafv2.WebAclAssociationConfigRequestBodyArgs(cloudfront=limit)]
    )


def logged_requests(
    firewall_arn: pulumi.Output[str], group_arn: pulumi.Output[str], region: str
) -> aws.wafv2.WebAclLoggingConfigurationArgs:
    """Return settings that log only refused and counted requests, because logs of all requests would be expensive.

    Tokens and idempotency keys are not logged.
    """
    conditions = [
        aws.wafv2.WebAclLoggingConfigurationLoggingFilterFilterConditionArgs(
            action_condition=aws.wafv2.WebAclLoggingConfigurationLoggingFilterFilterConditionActionConditionArgs(
                action=action
            )
        )
        for action in ("BLOCK", "COUNT")
    ]
    return aws.wafv2.WebAclLoggingConfigurationArgs(
        resource_arn=firewall_arn,
        log_destination_configs=[group_arn],
        region=region,
        logging_filter=aws.wafv2.WebAclLoggingConfigurationLoggingFilterArgs(
            default_behavior="DROP",
            filters=[
                aws.wafv2.WebAclLoggingConfigurationLoggingFilterFilterArgs(
                    behavior="KEEP", requirement="MEETS_ANY", conditions=conditions
                )
            ],
        ),
        redacted_fields=[
            aws.wafv2.WebAclLoggingConfigurationRedactedFieldArgs(
                single_header=aws.wafv2.WebAclLoggingConfigurationRedactedFieldSingleHeaderArgs(name=header)
            )
            for header in ("authorization", "idempotency-key")
        ],
    )


def _rate(prefix: str, limit: int) -> aws.wafv2.WebAclRuleArgs:
    return aws.wafv2.WebAclRuleArgs(
        name="rate",
        priority=0,
        action=aws.wafv2.WebAclRuleActionArgs(block=aws.wafv2.WebAclRuleActionBlockArgs()),
        statement=aws.wafv2.WebAclRuleStatementArgs(
            rate_based_statement=aws.wafv2.WebAclRuleStatementRateBasedStatementArgs(
                limit=limit, aggregate_key_type="IP", evaluation_window_sec=RATE_WINDOW_SECONDS
            )
        ),
        visibility_config=_visible(f"{prefix}-rate"),
    )


def _managed(
    prefix: str, index: int, name: str, only_counted: tuple[str, ...], managed: Literal["block", "count"]
) -> aws.wafv2.WebAclRuleArgs:
    # The generated classes without arguments have an `__init__` without annotations.
    count = aws.wafv2.WebAclRuleOverrideActionCountArgs()  # type: ignore[no-untyped-call]
    none = aws.wafv2.WebAclRuleOverrideActionNoneArgs()  # type: ignore[no-untyped-call]
    counted = aws.wafv2.WebAclRuleOverrideActionArgs(count=count)
    unchanged = aws.wafv2.WebAclRuleOverrideActionArgs(none=none)
    overrides = [
        aws.wafv2.WebAclRuleStatementManagedRuleGroupStatementRuleActionOverrideArgs(
            name=rule,
            action_to_use=aws.wafv2.WebAclRuleStatementManagedRuleGroupStatementRuleActionOverrideActionToUseArgs(
                count=aws.wafv2.WebAclRuleStatementManagedRuleGroupStatementRuleActionOverrideActionToUseCountArgs()
            ),
        )
        for rule in only_counted
    ]
    return aws.wafv2.WebAclRuleArgs(
        name=name,
        priority=index + 1,
        override_action=counted if managed == "count" else unchanged,
        statement=aws.wafv2.WebAclRuleStatementArgs(
            managed_rule_group_statement=aws.wafv2.WebAclRuleStatementManagedRuleGroupStatementArgs(
                vendor_name="AWS", name=name, rule_action_overrides=overrides or None
            )
        ),
        visibility_config=_visible(f"{prefix}-{name}"),
    )


def _visible(metric: str) -> aws.wafv2.WebAclRuleVisibilityConfigArgs:
    return aws.wafv2.WebAclRuleVisibilityConfigArgs(
        cloudwatch_metrics_enabled=True, metric_name=metric, sampled_requests_enabled=False
    )
