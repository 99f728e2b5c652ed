"""Sessions of the AWS SDK that ignore the machine's AWS settings."""

import os

import boto3
import botocore.session
from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES


def isolated_session(access_key_id: str, secret_access_key: str, region: str | None) -> boto3.Session:
    """Create a session for the embedded AWS, which has its own keys.

    It ignores profiles, configuration files and AWS_ variables. It uses no proxy, because the address is loopback.
    """
    defaults = {
        name: (None, None, default, convert)
        for name, (_, _, default, convert) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items()
    }
    files = dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))
    endpoints = {"ignore_configured_endpoint_urls": (None, None, True, None)}
    core = botocore.session.Session(session_vars={**defaults, **files, **endpoints})
    core.set_default_client_config(Config(proxies={}))
    return boto3.Session(access_key_id, secret_access_key, region_name=region, botocore_session=core)
