"""Rules against resources that would fail or work wrongly on AWS. Pulumi's mocks and the embedded AWS accept such
resources.

pipeline/config refuses wrong configuration earlier, and names the keys to change. These rules check the resources that
the program registers. Each finding names the resource, what was given and what is allowed.
"""

import ast
import json
import re
from collections.abc import Callable, Iterator
from typing import Final

from lab.recording.recording import Recorded, Recording
from lab.simulation.cloudwatch.evaluator_math import ExpressionSyntaxError, parse
from lab.simulation.cloudwatch.evaluator_metrics import MetricKey
from lab.simulation.cloudwatch.metrics_data import AWS_METRICS, find, own_metrics
from local.engine.aws_inputs import findings

QUEUE, FUNCTION, ALIAS = "aws:sqs/queue:Queue", "aws:lambda/function:Function", "aws:lambda/alias:Alias"
MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"
PROVISIONED = "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig"
MAX_RETENTION: Final = 1_209_600
RUNTIMES: Final = frozenset({"python3.11", "python3.12", "python3.13", "python3.14"})
US_EAST_1_ONLY: Final = "us-east-1"

Rule = Callable[[Recording], Iterator[str]]


def _finding(resource: Recorded, given: str, allowed: str) -> str:
    return f"{resource.name} ({resource.type}): given {given}; allowed: {allowed}"


def _by_output(recording: Recording, token: str, output: str) -> dict[str, Recorded]:
    """Return the resources of a type, keyed by one of their outputs, such as the ARN."""
    return {str(recording.state(token, each.name)[output]): each for each in recording.of_type(token)}


def _consumed(recording: Recording) -> Iterator[tuple[Recorded, Recorded, Recorded]]:
    """Yield each mapping with its queue and the function behind its alias."""
    queues, aliases = _by_output(recording, QUEUE, "arn"), _by_output(recording, ALIAS, "arn")
    functions = {each.inputs["name"]: each for each in recording.of_type(FUNCTION)}
    for mapping in recording.of_type(MAPPING):
        alias = aliases[mapping.inputs["functionName"]]
        yield mapping, queues[mapping.inputs["eventSourceArn"]], functions[alias.inputs["functionName"]]


def visibility(recording: Recording) -> Iterator[str]:
    """AWS recommends a visibility timeout of six function timeouts plus the batching window, and requires at least one
    function timeout."""
    for mapping, queue, function in _consumed(recording):
        window = mapping.inputs.get("maximumBatchingWindowInSeconds", 0)
        least, given = 6 * function.inputs.get("timeout", 3) + window, queue.inputs.get("visibilityTimeoutSeconds", 30)
        if given < least:
            yield _finding(queue, f"visibilityTimeoutSeconds {given}", f"at least 6 x timeout + window = {least}")


def dead_letter_retention(recording: Recording) -> Iterator[str]:
    """A dead-letter queue keeps messages longer than its source queue, unless the source has SQS's longest retention.

    On standard queues SQS measures a message's age from its first send, even after the move to the dead-letter queue.
    With a shorter retention, the dead-letter queue could delete a message soon after the move.
    """
    queues = _by_output(recording, QUEUE, "arn")
    for queue in recording.of_type(QUEUE):
        if "redrivePolicy" not in queue.inputs:
            continue
        dead = queues[queue.document("redrivePolicy")["deadLetterTargetArn"]]
        kept, needed = (each.inputs["messageRetentionSeconds"] for each in (dead, queue))
        if kept <= needed and needed < MAX_RETENTION:
            yield _finding(dead, f"messageRetentionSeconds {kept}", f"more than the {needed} of {queue.name}")


def queue_consumers(recording: Recording) -> Iterator[str]:
    """Ranges that CreateEventSourceMapping accepts for SQS."""
    for mapping, queue, _ in _consumed(recording):
        size = mapping.inputs.get("batchSize", 10)
        window = mapping.inputs.get("maximumBatchingWindowInSeconds", 0)
        most = mapping.inputs.get("scalingConfig", {}).get("maximumConcurrency", 2)
        fifo = bool(queue.inputs.get("fifoQueue"))
        if not 1 <= size <= (10 if fifo else 10_000):
            yield _finding(mapping, f"batchSize {size}", f"1 to {10 if fifo else 10_000}")
        if not 0 <= window <= (0 if fifo else 300):
            yield _finding(mapping, f"maximumBatchingWindowInSeconds {window}", "0" if fifo else "0 to 300")
        if size > 10 and window < 1:
            yield _finding(
                mapping, f"batchSize {size} without a window", "a window of at least 1 s for more than 10 messages"
            )
        if not 2 <= most <= 1_000:
            yield _finding(mapping, f"maximumConcurrency {most}", "2 to 1000")


def concurrency(recording: Recording) -> Iterator[str]:
    """Reserved concurrency is at least -1 (none reserved).

    The reserved concurrency of a queue's consumer is -1 or at least the mapping's maximum. Otherwise Lambda throttles
    the consumer, and each throttled batch counts as a receive of its messages.
    """
    for function in recording.of_type(FUNCTION):
        reserved = function.inputs.get("reservedConcurrentExecutions", -1)
        if reserved < -1:
            yield _finding(function, f"reservedConcurrentExecutions {reserved}", "-1 (none reserved) or more")
    for mapping, _, function in _consumed(recording):
        reserved = function.inputs.get("reservedConcurrentExecutions", -1)
        most = mapping.inputs.get("scalingConfig", {}).get("maximumConcurrency", 2)
        if 0 <= reserved < most:
            yield _finding(
                function, f"reservedConcurrentExecutions {reserved}", f"-1, or at least {most}, the mapping's maximum"
            )


def functions(recording: Recording) -> Iterator[str]:
    """Ranges that CreateFunction accepts, and the runtimes that Lambda supports."""
    ranges = {"timeout": (1, 900), "memorySize": (128, 10_240)}
    for function in recording.of_type(FUNCTION):
        if function.inputs["runtime"] not in RUNTIMES:
            yield _finding(function, f"runtime {function.inputs['runtime']}", ", ".join(sorted(RUNTIMES)))
        if function.inputs.get("architectures", ["x86_64"]) not in (["arm64"], ["x86_64"]):
            yield _finding(function, f"architectures {function.inputs['architectures']}", "one of arm64, x86_64")
        for key, (least, most) in ranges.items():
            if not least <= function.inputs.get(key, least) <= most:
                yield _finding(function, f"{key} {function.inputs[key]}", f"{least} to {most}")
        size = sum(len(n) + len(v) for n, v in function.inputs.get("environment", {}).get("variables", {}).items())
        if size > 4_096:
            yield _finding(function, f"{size} characters of environment", "4096 bytes for all variables together")


def warm_starts(recording: Recording) -> Iterator[str]:
    """SnapStart needs a published version, Python 3.12 or newer, and no provisioned concurrency.

    Provisioned concurrency belongs to a version or an alias. It is at least 1, and at most the reserved
    concurrency, if one is set.
    Sources: Lambda Developer Guide, SnapStart (supported features and limitations); PutProvisionedConcurrencyConfig.
    """
    functions = {each.inputs["name"]: each for each in recording.of_type(FUNCTION)}
    provisioned = {each.inputs["functionName"]: each for each in recording.of_type(PROVISIONED)}
    for name, function in functions.items():
        if function.inputs.get("snapStart", {}).get("applyOn") != "PublishedVersions":
            continue
        if function.inputs["runtime"] == "python3.11" or not function.inputs.get("publish"):
            yield _finding(function, "snapStart", "with Python 3.12 or newer and published versions")
        if name in provisioned:
            yield _finding(function, f"snapStart and {provisioned[name].name}", "one of the two")
    for name, each in provisioned.items():
        most = functions[name].inputs.get("reservedConcurrentExecutions", -1)
        given = each.inputs["provisionedConcurrentExecutions"]
        if given < 1 or 0 <= most < given:
            limit = f" and at most the reserved concurrency, {most}" if most >= 0 else ""
            yield _finding(each, f"provisionedConcurrentExecutions {given}", f"at least 1{limit}")
        if each.inputs["qualifier"] == "$LATEST":
            yield _finding(each, "qualifier $LATEST", "a version or an alias")


def routes(recording: Recording) -> Iterator[str]:
    """A route has an integration that exists and, with JWT authorization, an authorizer that exists."""
    targets = {f"integrations/{each}" for each in _by_output(recording, _api("integration"), "id")}
    authorizers = set(_by_output(recording, _api("authorizer"), "id"))
    for route in recording.of_type(_api("route")):
        if route.inputs.get("target") not in targets:
            yield _finding(route, f"target {route.inputs.get('target')}", f"one of {sorted(targets)}")
        if route.inputs.get("authorizationType", "NONE") == "JWT" and route.inputs["authorizerId"] not in authorizers:
            yield _finding(route, f"authorizerId {route.inputs['authorizerId']}", f"one of {sorted(authorizers)}")


def authorizers(recording: Recording) -> Iterator[str]:
    """A JWT authorizer has an issuer and at least one audience."""
    for authorizer in recording.of_type(_api("authorizer")):
        configuration = authorizer.inputs.get("jwtConfiguration", {})
        for key, example in (("issuer", "an https URL"), ("audiences", "at least one audience")):
            if not configuration.get(key):
                yield _finding(authorizer, f"no jwtConfiguration.{key}", example)


def _api(kind: str) -> str:
    return f"aws:apigatewayv2/{kind}:{kind.capitalize()}"


def metric_math(recording: Recording) -> Iterator[str]:
    """Ids are valid, expressions are metric math over ids of the same alarm, and exactly one query returns data."""
    for alarm in recording.of_type("aws:cloudwatch/metricAlarm:MetricAlarm"):
        queries = alarm.inputs.get("metricQueries", [])
        ids = {each["id"] for each in queries}
        for each in ids:
            if not re.fullmatch(r"[a-z][A-Za-z0-9_]{0,254}", each):
                yield _finding(alarm, f"the id {each!r}", "a small letter, then letters, digits and _")
        for each in queries:
            if "expression" in each:
                yield from (_finding(alarm, *problem) for problem in _expression(each["expression"], ids))
        results = [each["id"] for each in queries if each.get("returnData")]
        if queries and len(results) != 1:
            yield _finding(alarm, f"results {results}", "exactly one query with returnData")


def _expression(text: str, ids: set[str]) -> Iterator[tuple[str, str]]:
    try:
        tree = parse(text)
    except ExpressionSyntaxError as error:
        yield f"the expression {text!r} ({error})", "CloudWatch's metric math"
        return
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == node.id.lower()}
    if unknown := sorted(named - ids):
        yield f"the expression {text!r}, which names {unknown}", f"ids of the same alarm: {sorted(ids)}"


def dimensions(recording: Recording) -> Iterator[str]:
    """Alarms use only dimensions that the service publishes. With other dimensions, an alarm would never get data."""
    variables = [each.inputs["environment"]["variables"] for each in recording.of_type(FUNCTION)]
    own = {each["POWERTOOLS_METRICS_NAMESPACE"] for each in variables}
    published = (*AWS_METRICS, *(metric for namespace in own for metric in own_metrics(namespace)))
    for alarm in recording.of_type("aws:cloudwatch/metricAlarm:MetricAlarm"):
        metrics = [each["metric"] for each in alarm.inputs.get("metricQueries", []) if "metric" in each]
        for each in metrics or [alarm.inputs]:
            key = MetricKey.of(each["namespace"], each["metricName"], each.get("dimensions"))
            if find(key, published) is None:
                yield _finding(alarm, f"{key}", "a metric with dimensions that its service publishes")


def filter_policies(recording: Recording) -> Iterator[str]:
    """SNS requires a list of at least one value per attribute, and allows five attributes."""
    for subscription in recording.of_type("aws:sns/topicSubscription:TopicSubscription"):
        policy = json.loads(subscription.inputs.get("filterPolicy") or "{}")
        for key, values in policy.items():
            if not isinstance(values, list) or not values:
                yield _finding(subscription, f"filterPolicy {key}: {values!r}", "a list with at least one value")
        if len(policy) > 5:
            yield _finding(subscription, f"filterPolicy with {len(policy)} attributes", "5 at most")


def cloudfront_region(recording: Recording) -> Iterator[str]:
    """CloudFront uses firewalls and certificates in us-east-1 only, whatever the stack's Region is."""
    firewalls = recording.of_type("aws:wafv2/webAcl:WebAcl")
    for each in firewalls:
        if each.inputs["scope"] == "CLOUDFRONT" and each.inputs.get("region") != US_EAST_1_ONLY:
            yield _finding(each, f"scope CLOUDFRONT in region {each.inputs.get('region')}", US_EAST_1_ONLY)
    for each in recording.of_type("aws:cloudfront/distribution:Distribution"):
        certificate = each.inputs.get("viewerCertificate", {}).get("acmCertificateArn", "")
        if certificate and certificate.split(":")[3] != US_EAST_1_ONLY:
            yield _finding(each, f"acmCertificateArn {certificate}", f"a certificate in {US_EAST_1_ONLY}")


def nested_arguments(recording: Recording) -> Iterator[str]:
    """All inputs have known names and the right types. This includes inputs in dicts, which the SDK does not check."""
    for each in recording.resources:
        if each.custom:
            yield from (f"{each.name}: {finding}" for finding in findings(each.type, each.inputs))


def schedules(recording: Recording) -> Iterator[str]:
    """EventBridge Scheduler accepts `rate(…)`, `at(…)`, or `cron(…)` with six fields and one `?` in a day field."""
    for each in recording.resources:
        if (given := each.inputs.get("scheduleExpression")) is not None and not _schedule(str(given)):
            allowed = "rate(5 minutes), at(2030-01-01T00:00:00), or cron(…) with six fields and one ? in a day field"
            yield _finding(each, f"scheduleExpression {given}", allowed)


def _schedule(text: str) -> bool:
    if re.fullmatch(r"rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)", text):
        return True
    if re.fullmatch(r"at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)", text):
        return True
    fields = text.removeprefix("cron(").removesuffix(")").split() if re.fullmatch(r"cron\(.+\)", text) else []
    return len(fields) == 6 and [fields[2], fields[4]].count("?") == 1
