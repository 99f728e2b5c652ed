"""The tracer: one per process. Importing it reads the machine's AWS settings, so only what Lambda calls imports it."""

from typing import Final

from aws_lambda_powertools import Tracer

# botocore alone: the recorder's default is every library it knows, each an import at cold start.
tracer: Final = Tracer(patch_modules=["botocore"])
