"""The embedded server as real processes, which are killed in every way."""

import contextlib
import os
import pwd
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from domain.store.accounts import socket_dir
from domain.store.cluster import is_alive
from domain.store.embedded import SUPERUSER, EmbeddedServer, EmbeddedServerError, attach

AS_ROOT = os.geteuid() == 0

HOLD = """
import sys, time
from pathlib import Path
from domain.store.embedded import attach
server = attach(Path(sys.argv[1]))
print("attached", flush=True)
time.sleep(60)
"""

CONNECT_AS_NOBODY = """
import os, pwd, sys
import psycopg
os.chdir(sys.argv[1])
nobody = pwd.getpwnam("nobody")
os.setgroups([])
os.setgid(nobody.pw_gid)
os.setuid(nobody.pw_uid)
for host in sys.argv[1], "/proc/self/cwd":
    try:
        psycopg.connect(host=host, dbname="postgres", user=sys.argv[2])
    except psycopg.OperationalError as error:
        print(error)
"""


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    directory = tmp_path_factory.mktemp("made_once")
    attach(directory / "data").release()
    stop(directory)
    yield directory / "data/postgres"
    shutil.rmtree(directory)


@pytest.fixture
def empty_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    stop(tmp_path)
    for made in tmp_path.iterdir():  # a cluster is too large to keep for each test
        shutil.rmtree(made)


@pytest.fixture
def data_dir(empty_dir: Path, made_once: Path) -> Path:
    """Holds a cluster already, which saves time."""
    empty_dir.mkdir(mode=0o700)
    subprocess.run(["cp", "-a", made_once, empty_dir], check=True)
    return empty_dir


def stop(directory: Path) -> None:
    for supervisor in supervisors(directory):
        supervisor.terminate()
    eventually(lambda: not processes(directory))


def kill(process: psutil.Process) -> None:
    process.kill()
    eventually(lambda: not is_alive(process))


def processes(directory: Path) -> list[psutil.Process]:
    """The supervisors and postmasters of the data directories below the given one."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            named = any(part.startswith(f"{directory}/") for part in process.cmdline())
            if named and is_alive(process):
                found.append(process)
    return found


def supervisors(directory: Path) -> list[psutil.Process]:
    return [each for each in processes(directory) if "domain.store.supervisor" in each.cmdline()]


def postmaster(data_dir: Path) -> psutil.Process:
    return psutil.Process(int((data_dir / "postgres/postmaster.pid").read_text().split()[0]))


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def execute(server: EmbeddedServer, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(server.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def answers(server: EmbeddedServer) -> bool:
    try:
        return execute(server, "SELECT 1") == [(1,)]
    except psycopg.OperationalError:
        return False


def test_is_shared_and_private(data_dir: Path) -> None:
    with attach(data_dir) as first, attach(data_dir) as second:
        started = "SELECT pg_postmaster_start_time()"
        assert execute(first, started) == execute(second, started)
        assert len(supervisors(data_dir.parent)) == 1
        assert data_dir.stat().st_mode & 0o777 == 0o700
        assert Path(first.host).stat().st_mode & 0o777 == 0o700
        assert execute(first, "SHOW listen_addresses") == [("",)]
        assert execute(first, "SHOW data_checksums") == [("on",)]
        assert execute(first, "SHOW fsync") == [("on",)]
        first.release()
        assert answers(second)


@pytest.mark.skipif(not AS_ROOT, reason="only root can become another user")
def test_another_user_cannot_connect(data_dir: Path) -> None:
    with attach(data_dir) as server:
        Path(server.host).chmod(0o701)  # so that only the way there and the server refuse
        command = [sys.executable, "-c", CONNECT_AS_NOBODY, server.host, SUPERUSER]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        Path(server.host).chmod(0o700)
        assert "Permission denied" in said
        assert "Peer authentication failed" in said


@pytest.mark.skipif(not AS_ROOT, reason="others run the server themselves")
def test_root_gives_the_server_one_capability(data_dir: Path) -> None:
    with attach(data_dir):
        process = postmaster(data_dir)
        nobody = pwd.getpwnam("nobody")
        assert set(process.uids()) == {nobody.pw_uid}
        assert set(process.gids()) == {nobody.pw_gid}
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert "CapPrm:\t0000000000000002\n" in status
        assert "Groups:\t \n" in status


def test_serves_the_next_command_without_a_restart(data_dir: Path) -> None:
    attach(data_dir).release()
    first = postmaster(data_dir)
    with attach(data_dir):
        assert postmaster(data_dir) == first


def test_stops_after_a_killed_holder(data_dir: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(data_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"attached\n"
        holder.kill()
    eventually(lambda: not processes(data_dir.parent))
    assert not (data_dir / "postgres/postmaster.pid").exists()


def test_comes_back_when_the_postmaster_is_killed(data_dir: Path) -> None:
    with attach(data_dir) as server:
        execute(server, "CREATE TABLE kept AS SELECT 42 AS answer")
        kill(postmaster(data_dir))
        eventually(lambda: answers(server))
        assert execute(server, "SELECT answer FROM kept") == [(42,)]


def test_a_killed_supervisor_is_replaced(data_dir: Path) -> None:
    with attach(data_dir):
        first = postmaster(data_dir)
        (killed,) = supervisors(data_dir.parent)
        kill(killed)
        with attach(data_dir) as server:
            assert postmaster(data_dir) == first
            assert answers(server)
            # The new one has to take the running server as its own.
            kill(first)
            eventually(lambda: answers(server))


def test_a_terminated_supervisor_stops_the_server(data_dir: Path) -> None:
    with attach(data_dir):
        (supervisor,) = supervisors(data_dir.parent)
        supervisor.terminate()
        eventually(lambda: not processes(data_dir.parent))
        with attach(data_dir) as server:
            assert answers(server)


def test_a_reused_pid_is_not_taken_for_the_server(data_dir: Path) -> None:
    with attach(data_dir) as server:
        execute(server, "CREATE TABLE kept AS SELECT 42 AS answer")
        (supervisor,) = supervisors(data_dir.parent)
        kill(supervisor)
        kill(postmaster(data_dir))
        pid_file = data_dir / "postgres/postmaster.pid"
        socket_lock = Path(server.host) / ".s.PGSQL.5432.lock"
        for stale in (pid_file, socket_lock):
            _, rest = stale.read_text().split("\n", 1)
            stale.write_text(f"{os.getpid()}\n{rest}")
        with attach(data_dir) as again:
            assert execute(again, "SELECT answer FROM kept") == [(42,)]


@pytest.mark.parametrize("name", ["with space, 'quote\" and ü", "long" * 25])
def test_any_path_will_do(data_dir: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(data_dir.parent)
    (data_dir.parent / name).mkdir()
    data_dir.rename(data_dir.parent / name / "data")
    with attach(Path(name) / "data") as server:
        assert answers(server)
        assert Path(server.host).stat().st_mode & 0o777 == 0o700
    stop(data_dir.parent)
    assert not list(Path(server.host).glob("*"))


def test_a_socket_directory_of_someone_else_is_refused(empty_dir: Path) -> None:
    long_path = empty_dir / ("long" * 25)
    socket_dir(long_path).symlink_to(empty_dir)
    try:
        with pytest.raises(EmbeddedServerError, match=f"{socket_dir(long_path)} .*: remove it"):
            attach(long_path)
    finally:
        socket_dir(long_path).unlink()


def test_an_interrupted_creation_is_done_again(empty_dir: Path) -> None:
    (empty_dir / "postgres.new").mkdir(parents=True, mode=0o700)
    (empty_dir / "postgres.new/PG_VERSION").write_text("18\n")
    empty_dir.chmod(0o700)
    with attach(empty_dir) as server:
        assert answers(server)
    assert not (empty_dir / "postgres.new").exists()


def test_a_deleted_data_directory_leaves_no_server(data_dir: Path) -> None:
    with attach(data_dir):
        shutil.rmtree(data_dir, ignore_errors=True)
        eventually(lambda: not processes(data_dir.parent))
        with attach(data_dir) as server:
            assert answers(server)


def test_a_directory_that_cannot_be_written_to_is_named(empty_dir: Path) -> None:
    empty_dir.mkdir()
    if AS_ROOT:
        (empty_dir / "file").touch()
        target = empty_dir / "file/x"
    else:
        empty_dir.chmod(0o500)
        target = empty_dir
    with pytest.raises(EmbeddedServerError, match=f"The data directory {target} cannot be used"):
        attach(target)
    empty_dir.chmod(0o700)


def test_a_directory_with_other_contents_is_not_made_private(empty_dir: Path) -> None:
    empty_dir.mkdir(mode=0o755)
    (empty_dir / "file").touch()
    with pytest.raises(EmbeddedServerError, match="holds other files and is open to other users"):
        attach(empty_dir)
    assert empty_dir.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("PG_VERSION", "17\n", "is of PostgreSQL 17, and this hirelog brings 18"),
        ("file", "", "is of PostgreSQL an unknown version"),
        ("PG_VERSION", "18\n", "could not access the server configuration file"),
    ],
)
def test_a_cluster_that_cannot_start_says_why(
    empty_dir: Path, file: str, content: str, reason: str
) -> None:
    (empty_dir / "postgres").mkdir(parents=True)
    (empty_dir / "postgres" / file).write_text(content)
    empty_dir.chmod(0o700)
    with pytest.raises(EmbeddedServerError, match=reason):
        attach(empty_dir)


def test_a_user_without_a_name_is_told_so(empty_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_account(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", no_account)
    with pytest.raises(EmbeddedServerError, match=r"has no account name.*HIRELOG_DATABASE_URL"):
        attach(empty_dir)
