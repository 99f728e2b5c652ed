"""Options of the stack as a whole: which it is, whose, and where it runs."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from pipeline.config.problems import Problem

HOUR = 3_600
DAY = 24 * HOUR
# Between two dots of a host name.
LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"

# The tags set by the program itself.
OWN_TAGS = frozenset({"Project", "Stack", "ManagedBy", "Environment", "Owner"})
MAX_EXTRA_TAGS = 50 - len(OWN_TAGS)

Tag = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:/+@-]{1,128}=[A-Za-z0-9_ .:/+@-]{0,256}$")]


class GeneralOptions(BaseModel):
    """The stack as a whole. Options whose rules read these inherit from it, and so on: never in a circle."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    environment: Literal["development", "production", "local"] = Field(
        default="production",
        description="Which rules apply: production refuses shortcuts, local runs on the embedded AWS.",
    )
    owner: str = Field(
        default="orders-team",
        pattern=r"^[A-Za-z0-9_ .:/+@-]{1,256}$",
        description="Value of the tag Owner on everything: whom to ask.",
        json_schema_extra={"allowed": "1 to 256 letters, digits, spaces and . : / + @ _ -"},
    )
    extra_tags: tuple[Tag, ...] = Field(
        default=(),
        description="More tags on everything, each as Name=value.",
        json_schema_extra={"allowed": "Name=value, of letters, digits and . : / + @ _ -"},
    )
    local_endpoint: str = Field(
        default="",
        pattern=r"^(https?://(127\.0\.0\.1|localhost|\[::1\]):\d{1,5})?$",
        description="Where the embedded AWS listens: functions call it, and loopback may come without TLS.",
        json_schema_extra={"allowed": "http://127.0.0.1:PORT, or empty for AWS itself"},
    )

    @property
    def tags(self) -> dict[str, str]:
        """The tags that the configuration decides."""
        return {"Environment": self.environment, "Owner": self.owner, **dict(_split(tag) for tag in self.extra_tags)}


def _split(tag: str) -> tuple[str, str]:
    name, _, value = tag.partition("=")
    return name, value


def _endpoint(config: GeneralOptions) -> Problem | None:
    local = config.environment == "local"
    if local == bool(config.local_endpoint):
        return None
    allowed = "a URL with environment local, and none with any other: it turns off TLS for loopback"
    return Problem(
        ("local_endpoint", "environment"), f"{config.local_endpoint!r} with environment {config.environment}", allowed
    )


def _extra_tags(config: GeneralOptions) -> Problem | None:
    names = [tag.partition("=")[0] for tag in config.extra_tags]
    # IAM takes `team` and `Team` for the same name, and refuses a role that has both.
    folded = [name.lower() for name in (*OWN_TAGS, *names)]
    bad = sorted({name for name in names if folded.count(name.lower()) > 1 or name.lower().startswith("aws:")})
    if not bad and len(names) <= MAX_EXTRA_TAGS:
        return None
    given = f"the names {', '.join(bad)}" if bad else f"{len(names)} tags"
    return Problem(
        ("extra_tags",),
        given,
        f"names once each, whatever their case, none of {', '.join(sorted(OWN_TAGS))}, none starting with aws:, "
        f"at most {MAX_EXTRA_TAGS}",
    )


ENDPOINT_RULES = (_endpoint,)
TAG_RULES = (_extra_tags,)
