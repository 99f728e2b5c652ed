"""The command line of the language host: SCRIPT [flags] ENGINE_ADDRESS.

The engine gives the flags and its address; the launcher from local/engine/path.py adds SCRIPT. The first line on
standard output is the port.
"""

import contextlib
import sys
from concurrent import futures
from pathlib import Path

import grpc
from pulumi.runtime.proto import language_pb2_grpc

from local.engine.language_host.server import PythonHost

_THREADS = 8


def main(arguments: list[str]) -> int:
    """Serve until the engine ends."""
    script, *_, engine = arguments
    server = grpc.server(futures.ThreadPoolExecutor(_THREADS))
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(PythonHost(engine, Path(script)), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    # The engine stops this process with an interrupt. It writes nothing to our standard input. If the engine ends
    # without sending an interrupt, the input is closed and `read` returns.
    with contextlib.suppress(KeyboardInterrupt):
        sys.stdin.buffer.read()
    server.stop(grace=None).wait()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
