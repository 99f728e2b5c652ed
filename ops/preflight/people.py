"""Checks that somebody receives pages (urgent alarms), and that every subscription is confirmed."""

from collections.abc import Iterator
from typing import Any, Final

from ops.preflight.finding import Finding, Verdict
from ops.preflight.stack_facts import StackFacts

_PENDING: Final = "PendingConfirmation"
_PAGES: Final = "pages"


def people(facts: StackFacts) -> Iterator[Finding]:
    """Check that pages have a confirmed receiver, and that every subscription is confirmed."""
    config, topics = facts.config, (facts.outputs or {}).get("alarm_topic_arns", {})
    if not config.alarms:
        yield Finding(_PAGES, Verdict.OK, "this stack has no alarms (the option alarms is false)")
    elif not config.alarm_page_subscriptions:
        yield _nobody("nobody is subscribed to pages, so urgent alarms would notify nobody")
    elif "page" in topics and not _confirmed(facts, topics["page"]):
        yield _nobody("no subscription to pages is confirmed, so urgent alarms would notify nobody")
    else:
        yield Finding(_PAGES, Verdict.OK, f"{len(config.alarm_page_subscriptions)} subscribed")
    yield _confirmations(facts, topics)


def _nobody(text: str) -> Finding:
    todo = "pulumi config set --path 'alarm_page_subscriptions[0]' https=https://PAGER/HOOK"
    return Finding(_PAGES, Verdict.WARNING, text, (todo,))


def _confirmations(facts: StackFacts, alarm_topics: dict[str, str]) -> Finding:
    check, config = "confirmations", facts.config
    receivers = (
        *config.alarm_page_subscriptions,
        *config.alarm_notify_subscriptions,
        *config.alarm_ticket_subscriptions,
    )
    mails = sum(each.startswith("email") for each in receivers)
    mails += sum(each.protocol.startswith("email") for each in config.subscriptions)
    if not facts.outputs:
        text = (
            f"e-mail addresses that get a confirmation link after `pulumi up`: {mails}"
            if mails
            else "no e-mail address needs a confirmation"
        )
        return Finding(check, Verdict.OK, text)
    events = facts.outputs.get("notifications_topic_arn")
    topics = [*alarm_topics.values(), *([events] if events else [])]
    waiting = [
        f"{each['Protocol']} of {topic.rpartition(':')[2]}"
        for topic in topics
        for each in _subscriptions(facts, topic)
        if each["SubscriptionArn"] == _PENDING
    ]
    if not waiting:
        return Finding(check, Verdict.OK, "every subscription is confirmed")
    return Finding(
        check,
        Verdict.WARNING,
        f"not confirmed, so nothing is delivered: {', '.join(waiting)}",
        (
            "confirm with the link in the message, which expires after two days",
            "if it has expired: remove the subscriber, deploy, add it again, deploy",
        ),
    )


def _confirmed(facts: StackFacts, topic: str) -> bool:
    return any(each["SubscriptionArn"] != _PENDING for each in _subscriptions(facts, topic))


def _subscriptions(facts: StackFacts, topic: str) -> Iterator[dict[str, Any]]:
    pages = facts.client("sns").get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic)
    return (each for page in pages for each in page["Subscriptions"])
