"""Tests what `status` shows."""

from local.cli.status import lines

LONG = "http://127.0.0.1:40123/_aws/execute-api/a1b2c3d4/and/a/very/long/path/that/is/wider/than/any/terminal/is/today"
STATUS = {
    "state": "ready",
    "endpoint_url": "http://127.0.0.1:40123",
    "state_dir": "/somewhere/.local",
    "iam": False,
    "page_url": "http://127.0.0.1:40124/#key=k",
    "outputs": {
        "endpoint_url": "http://127.0.0.1:40123",
        "iam": False,
        "aws_access_key_id": "LOCALKEY",
        "aws_secret_access_key": "a secret",
        "token_client_secrets": {"shop": "a secret"},
        "api_url": LONG,
        "alarm_topic_arns": {"page": "arn:aws:sns:us-east-1:000000000000:page"},
    },
}


def test_every_address_is_shown_complete_and_once() -> None:
    # GIVEN an instance with an address that is wider than a terminal / WHEN
    shown = list(lines(STATUS))
    # THEN each line has one name with its whole value, and no name is repeated
    assert f"api_url               {LONG}" in shown
    assert 'alarm_topic_arns      {"page": "arn:aws:sns:us-east-1:000000000000:page"}' in shown
    names = [line.split()[0] for line in shown]
    assert sorted(names) == sorted(set(names))


def test_keys_and_secrets_are_hidden_and_the_complete_address_of_the_page_is_shown() -> None:
    # GIVEN an instance with AWS keys, and with secrets of its API's clients / WHEN
    shown = [line.split(maxsplit=1) for line in lines(STATUS)]
    # THEN the lines name the file that contains these keys and secrets. The page's address is shown
    # with the page's key
    assert "a secret" not in str(shown)
    assert ["keys", "in /somewhere/.local/outputs.json"] in shown
    assert ["token_client_secrets", "in /somewhere/.local/outputs.json"] in shown
    assert ["page_url", "http://127.0.0.1:40124/#key=k"] in shown
