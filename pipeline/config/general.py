"""Options of the whole stack: environment, tags and endpoint."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from pipeline.config.problems import Problem

HOUR = 3_600
DAY = 24 * HOUR
# One label of a host name.
LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"

# The tags set by the program itself.
OWN_TAGS = frozenset({"Project", "Stack", "ManagedBy", "Environment", "Owner"})
# AWS allows 50 tags on a resource.
MAX_EXTRA_TAGS = 50 - len(OWN_TAGS)

Tag = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:/+@-]{1,128}=[A-Za-z0-9_ .:/+@-]{0,256}$")]


class GeneralOptions(BaseModel):
    """Options of the whole stack.

    Other classes of options inherit from `GeneralOptions` if their rules read one of its options.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    environment: Literal["development", "production", "local"] = Field(
        default="production",
        description="Kind of stack. A production stack refuses risky options; a local stack runs on the embedded AWS.",
    )
    owner: str = Field(
        default="orders-team",
        pattern=r"^[A-Za-z0-9_ .:/+@-]{1,256}$",
        description="Value of the tag Owner on all resources: the responsible team.",
        json_schema_extra={"allowed": "1 to 256 letters, digits, spaces and . : / + @ _ -"},
    )
    extra_tags: tuple[Tag, ...] = Field(
        default=(),
        description="Additional tags on all resources, each as Name=value.",
        json_schema_extra={
            "allowed": "Name=value. A name has 1 to 128 letters, digits and . : / + @ _ -; a value "
            "has at most 256 of these characters and spaces"
        },
    )
    local_endpoint: str = Field(
        default="",
        pattern=r"^(https?://(127\.0\.0\.1|localhost|\[::1\]):\d{1,5})?$",
        description="URL of the embedded AWS, which the functions call. If it is set, the "
        "stack's queues and topics accept calls without TLS from loopback addresses.",
        json_schema_extra={"allowed": "http://127.0.0.1:PORT (or https, localhost, [::1]), or empty for AWS itself"},
    )

    @property
    def tags(self) -> dict[str, str]:
        """Tags that come from the configuration."""
        return {"Environment": self.environment, "Owner": self.owner, **dict(_split(tag) for tag in self.extra_tags)}


def _split(tag: str) -> tuple[str, str]:
    name, _, value = tag.partition("=")
    return name, value


def _endpoint(config: GeneralOptions) -> Problem | None:
    local = config.environment == "local"
    if local == bool(config.local_endpoint):
        return None
    allowed = "a URL if environment is local; no URL in other environments, because a URL lets loopback calls skip TLS"
    return Problem(
        ("local_endpoint", "environment"), f"{config.local_endpoint!r} with environment {config.environment}", allowed
    )


def _extra_tags(config: GeneralOptions) -> Problem | None:
    names = [tag.partition("=")[0] for tag in config.extra_tags]
    # In IAM `team` and `Team` are the same name, and a role with both is refused.
    folded = [name.lower() for name in (*OWN_TAGS, *names)]
    bad = sorted({name for name in names if folded.count(name.lower()) > 1 or name.lower().startswith("aws:")})
    if not bad and len(names) <= MAX_EXTRA_TAGS:
        return None
    given = [f"the name{'s' if len(bad) > 1 else ''} {', '.join(map(repr, bad))}"] if bad else []
    given += [f"{len(names)} tags"] if len(names) > MAX_EXTRA_TAGS else []
    return Problem(
        ("extra_tags",),
        " and ".join(given),
        f"each name once; no name of the program's own tags ({', '.join(sorted(OWN_TAGS))}); no name that begins with "
        f"aws:; upper and lower case count as equal; at most {MAX_EXTRA_TAGS} tags",
    )


ENDPOINT_RULES = (_endpoint,)
TAG_RULES = (_extra_tags,)
