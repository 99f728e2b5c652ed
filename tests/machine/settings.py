"""Settings of a machine that make code fail: invalid AWS settings, and a proxy that cannot be reached."""

from pathlib import Path

PROXY = "http://127.0.0.1:9"
PROXIES = {
    **{name: PROXY for each in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY") for name in (each, each.lower())},
    "NO_PROXY": "",
    "no_proxy": "",
}


def broken_aws_settings(folder: Path) -> dict[str, dict[str, str]]:
    """Return the environment variables that cause each kind of error."""
    broken = folder / "broken"
    broken.write_text("[defaul\n")
    return {
        "unknown profile": {"AWS_PROFILE": "nope"},
        "broken configuration": {"AWS_CONFIG_FILE": str(broken)},
        "broken credentials": {"AWS_SHARED_CREDENTIALS_FILE": str(broken)},
        "not a number": {"AWS_METADATA_SERVICE_TIMEOUT": "x"},
        "unknown choice": {"AWS_STS_REGIONAL_ENDPOINTS": "foo"},
        "unknown retry mode": {"AWS_RETRY_MODE": "foo", "AWS_MAX_ATTEMPTS": "x"},
    }
