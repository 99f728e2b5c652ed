"""Outputs of resources as AWS would return them, with deterministic ids, ARNs and URLs."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, cast

from local.services.aws import where

ACCOUNT = "123456789012"
REGION = "eu-west-1"
_Inputs = Mapping[str, Any]


def arn(service: str, resource: str, region: str = REGION) -> str:
    """Return an ARN in the account of the tests."""
    return f"arn:aws:{service}:{region}:{ACCOUNT}:{resource}"


def url(name: str, region: str = REGION) -> str:
    """Return a queue's URL in the account of the tests."""
    return f"https://sqs.{region}.amazonaws.com/{ACCOUNT}/{name}"


def outputs_of(token: str, name: str, inputs: _Inputs, region: str = REGION) -> dict[str, Any]:
    """Return the outputs of a resource, including `id`. If `_OUTPUTS` lacks its type, `id` is the only output."""
    return _moved(_OUTPUTS.get(token, _id_only)(name, inputs), inputs.get("region") or region)


def answer_to(token: str, region: str = REGION) -> dict[str, Any]:
    """Return AWS's answer to a provider function. Raises `NotImplementedError` for an unknown function."""
    answers = where(ACCOUNT, region)
    if token not in answers:
        message = f"the program calls {token}: add an answer to local/services/aws.py"
        raise NotImplementedError(message)
    return answers[token]


def _moved(outputs: _Inputs, region: str) -> dict[str, Any]:
    """Return the outputs; in every value, `region` replaces `REGION`."""
    return cast("dict[str, Any]", json.loads(json.dumps(outputs).replace(REGION, region)))


def _id_only(name: str, _inputs: _Inputs) -> dict[str, Any]:
    return {"id": f"{name}-id"}


def _function(_name: str, inputs: _Inputs) -> dict[str, Any]:
    own = arn("lambda", f"function:{inputs['name']}")
    return {"id": inputs["name"], "arn": own, "version": "1", "qualifiedArn": f"{own}:1", "invokeArn": _invoke(own)}


def _alias(_name: str, inputs: _Inputs) -> dict[str, Any]:
    own = arn("lambda", f"function:{inputs['functionName']}:{inputs['name']}")
    return {"id": own, "arn": own, "invokeArn": _invoke(own)}


def _invoke(function_arn: str) -> str:
    return f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{function_arn}/invocations"


def _queue(_name: str, inputs: _Inputs) -> dict[str, Any]:
    own = url(str(inputs["name"]))
    return {"id": own, "url": own, "arn": arn("sqs", str(inputs["name"]))}


def _api(name: str, _inputs: _Inputs) -> dict[str, Any]:
    api_id = _short(name)
    return {
        "id": api_id,
        "apiEndpoint": f"https://{api_id}.execute-api.{REGION}.amazonaws.com",
        "executionArn": arn("execute-api", api_id),
    }


def _stage(_name: str, inputs: _Inputs) -> dict[str, Any]:
    # In the provider the default stage's URL ends with a slash.
    return {"id": inputs["name"], "invokeUrl": f"https://{inputs['apiId']}.execute-api.{REGION}.amazonaws.com/"}


def _short(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:10]


def _by_name(service: str, prefix: str = "", region: str = REGION) -> Callable[[str, _Inputs], dict[str, Any]]:
    def outputs(_name: str, inputs: _Inputs) -> dict[str, Any]:
        return {"id": inputs["name"], "arn": arn(service, f"{prefix}{inputs['name']}", region)}

    return outputs


def _topic(_name: str, inputs: _Inputs) -> dict[str, Any]:
    own = arn("sns", str(inputs["name"]))
    return {"id": own, "arn": own}


def _composite_alarm(_name: str, inputs: _Inputs) -> dict[str, Any]:
    return {"id": inputs["alarmName"], "arn": arn("cloudwatch", f"alarm:{inputs['alarmName']}")}


def _event_rule(_name: str, inputs: _Inputs) -> dict[str, Any]:
    own = f"{inputs['eventBusName']}/{inputs['name']}"
    return {"id": own, "arn": arn("events", f"rule/{own}")}


def _hashed_id(name: str, _inputs: _Inputs) -> dict[str, Any]:
    return {"id": _short(name)}


def _user_pool(name: str, _inputs: _Inputs) -> dict[str, Any]:
    own = f"{REGION}_{_short(name)}"
    return {
        "id": own,
        "arn": arn("cognito-idp", f"userpool/{own}"),
        "endpoint": f"cognito-idp.{REGION}.amazonaws.com/{own}",
    }


def _user_pool_client(name: str, _inputs: _Inputs) -> dict[str, Any]:
    return {"id": f"client-{_short(name)}", "clientSecret": f"secret-{_short(name)}"}


def _certificate(_name: str, inputs: _Inputs) -> dict[str, Any]:
    domain = inputs["domainName"]
    own = arn("acm", f"certificate/{_short(domain)}", str(inputs.get("region", REGION)))
    option = {
        "domainName": domain,
        "resourceRecordName": f"_x.{domain}.",
        "resourceRecordType": "CNAME",
        "resourceRecordValue": "_y.acm-validations.aws.",
    }
    return {"id": own, "arn": own, "domainValidationOptions": [option]}


def _record(name: str, inputs: _Inputs) -> dict[str, Any]:
    return {"id": f"{name}-id", "fqdn": str(inputs["name"]).rstrip(".")}


def _domain_name(_name: str, inputs: _Inputs) -> dict[str, Any]:
    answering = {
        **inputs["domainNameConfiguration"],
        "targetDomainName": f"d-{_short(inputs['domainName'])}.execute-api.{REGION}.amazonaws.com",
        "hostedZoneId": "ZAPIGATEWAY",
    }
    return {"id": inputs["domainName"], "domainNameConfiguration": answering}


def _web_acl(_name: str, inputs: _Inputs) -> dict[str, Any]:
    own = arn("wafv2", f"global/webacl/{inputs['name']}/1", "us-east-1")
    return {"id": "1", "arn": own}


def _distribution(name: str, _inputs: _Inputs) -> dict[str, Any]:
    own = _short(name).upper()
    return {
        "id": own,
        "arn": arn("cloudfront", f"distribution/{own}", ""),
        "domainName": f"d{_short(name)}.cloudfront.net",
        "hostedZoneId": "Z2FDTNDATAQYW2",
    }


def _key(name: str, _inputs: _Inputs) -> dict[str, Any]:
    return {"id": _short(name), "arn": arn("kms", f"key/{_short(name)}")}


def _of_queue(_name: str, inputs: _Inputs) -> dict[str, Any]:
    # The provider, too, uses the queue's URL as the id of the queue's policy.
    return {"id": inputs["queueUrl"]}


def _mapping(name: str, inputs: _Inputs) -> dict[str, Any]:
    return {"id": f"{name}-{_short(str(inputs['eventSourceArn']))}"}


def _topic_policy(_name: str, inputs: _Inputs) -> dict[str, Any]:
    return {"id": inputs["arn"]}


def _subscription(name: str, inputs: _Inputs) -> dict[str, Any]:
    own = f"{inputs['topic']}:{_short(name)}"
    return {"id": own, "arn": own}


_OUTPUTS: dict[str, Callable[[str, _Inputs], dict[str, Any]]] = {
    "aws:acm/certificate:Certificate": _certificate,
    "aws:apigatewayv2/authorizer:Authorizer": _hashed_id,
    "aws:apigatewayv2/domainName:DomainName": _domain_name,
    "aws:cloudfront/distribution:Distribution": _distribution,
    "aws:cognito/userPool:UserPool": _user_pool,
    "aws:cognito/userPoolClient:UserPoolClient": _user_pool_client,
    "aws:route53/record:Record": _record,
    "aws:wafv2/webAcl:WebAcl": _web_acl,
    "aws:apigatewayv2/api:Api": _api,
    "aws:apigatewayv2/integration:Integration": _hashed_id,
    "aws:apigatewayv2/stage:Stage": _stage,
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": _composite_alarm,
    "aws:cloudwatch/eventBus:EventBus": _by_name("events", "event-bus/"),
    "aws:cloudwatch/eventRule:EventRule": _event_rule,
    "aws:cloudwatch/metricAlarm:MetricAlarm": _by_name("cloudwatch", "alarm:"),
    "aws:cloudwatch/logGroup:LogGroup": _by_name("logs", "log-group:"),
    "aws:dynamodb/table:Table": _by_name("dynamodb", "table/"),
    "aws:iam/role:Role": _by_name("iam", "role/", region=""),
    "aws:kms/key:Key": _key,
    "aws:lambda/alias:Alias": _alias,
    "aws:lambda/function:Function": _function,
    "aws:lambda/eventSourceMapping:EventSourceMapping": _mapping,
    "aws:sns/topic:Topic": _topic,
    "aws:sns/topicPolicy:TopicPolicy": _topic_policy,
    "aws:sns/topicSubscription:TopicSubscription": _subscription,
    "aws:sqs/queue:Queue": _queue,
    "aws:sqs/queuePolicy:QueuePolicy": _of_queue,
    "aws:sqs/redriveAllowPolicy:RedriveAllowPolicy": _of_queue,
}
