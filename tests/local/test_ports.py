"""Tests connections to Unix sockets at paths of any length."""

import socket
from pathlib import Path

import pytest

from local import ports
from local.emulator import EmulatorOptions, start_emulator
from local.errors import LocalError
from local.instance import StateDir


def listening(folder: Path) -> socket.socket:
    """Start a server on the socket `aws` in `folder`. Like the emulator, it binds the socket by a relative path."""
    server = socket.socket(socket.AF_UNIX)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        server.bind("aws")
    server.listen()
    return server


@pytest.mark.parametrize("name", ["short", "long" * 40])
def test_a_socket_is_reached_at_a_path_of_any_length(tmp_path: Path, name: str) -> None:
    # GIVEN a server in a folder
    folder = tmp_path / name
    folder.mkdir()
    if not ports.fits(folder / "aws"):
        pytest.skip("only Linux can connect to a socket whose path is this long")
    with listening(folder) as server, ports.connect_to(folder / "aws") as client:
        # WHEN / THEN
        accepted, _ = server.accept()
        with accepted:
            client.sendall(b"x")
            assert accepted.recv(1) == b"x"


def test_a_missing_socket_is_an_error(tmp_path: Path) -> None:
    # GIVEN no server / WHEN / THEN
    with pytest.raises(OSError, match="No such file"):
        ports.connect_to(tmp_path / "aws")


def test_a_long_path_is_refused_on_systems_that_cannot_reach_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # GIVEN a system without /proc/self/fd, and a long path
    monkeypatch.setattr(ports, "_DESCRIPTORS", tmp_path / "nowhere")
    state = StateDir(tmp_path / ("long" * 40))
    # WHEN an emulator is started there / THEN the message names the option to change
    with pytest.raises(LocalError, match=r"too long.*--state-dir"):
        start_emulator(state, EmulatorOptions(Path("python"), 0, "us-east-1", False, "id"), 0)
