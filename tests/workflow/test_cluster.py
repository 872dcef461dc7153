"""The smoke study on a real Slurm of one node: a job is cancelled in the middle and taken up again."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from adrl_core.report import manifest

from .conftest import COMMAND, ROOT, Adrl
from .test_study import assert_same_tables, wait_for

pytestmark = pytest.mark.cluster
TRAIN = "published/full/train"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scancel")


def pick(*arguments: str) -> str:
    """Standard output of a command that must succeed."""
    return subprocess.run(arguments, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def slurm(tmp_path: Path) -> Iterator[None]:
    """A controller and a node on this machine, stopped by their process ids at the end."""
    if os.geteuid() != 0:
        pytest.skip("starting Slurm needs root")
    if missing := [program for program in PROGRAMS if shutil.which(program) is None]:
        pytest.skip(f"not installed: {', '.join(missing)} (Debian packages slurm-wlm and munge)")
    # The daemon of another user must be able to enter its folder; pytest's are private.
    munge = Path("/run/munge-test")
    shutil.rmtree(munge, ignore_errors=True)
    munge.mkdir(mode=0o755)
    (munge / "munge.key").write_bytes(os.urandom(1024))
    (munge / "munge.key").chmod(0o400)
    for path in (munge, munge / "munge.key"):
        shutil.chown(path, "munge", "munge")
    socket_path = munge / "socket"
    files = [f"--{kind}-file={munge / f'munged.{kind}'}" for kind in ("pid", "log", "seed")]
    command = ["munged", f"--key-file={munge / 'munge.key'}", f"--socket={socket_path}", *files]
    host = socket.gethostname().split(".")[0]
    folders = {name: tmp_path / name for name in ("state", "spool")}
    for folder in folders.values():
        folder.mkdir()
    # Snakemake's plugin drops SLURM_CONF, so the file lies where Slurm looks for it.
    configuration = Path("/etc/slurm/slurm.conf")
    before = configuration.read_text() if configuration.exists() else None
    configuration.parent.mkdir(exist_ok=True)
    configuration.write_text(
        f"""ClusterName=test
SlurmctldHost={host}
SlurmUser=root
AuthInfo=socket={socket_path}
StateSaveLocation={folders["state"]}
SlurmdSpoolDir={folders["spool"]}
SlurmctldPidFile={tmp_path}/slurmctld.pid
SlurmdPidFile={tmp_path}/slurmd.pid
SlurmctldLogFile={tmp_path}/slurmctld.log
SlurmdLogFile={tmp_path}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SchedulerType=sched/backfill
MpiDefault=none
ReturnToService=2
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
NodeName={host} CPUs={os.cpu_count()} RealMemory=12000 State=UNKNOWN
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
    )
    as_munge = ["setpriv", "--reuid=munge", "--regid=munge", "--clear-groups", *command, "--foreground"]
    daemons = [as_munge, ["slurmctld", "-D"], ["slurmd", "-D"]]
    running = []
    try:
        for daemon in daemons:
            running.append(subprocess.Popen(daemon, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            time.sleep(1)
        deadline = time.monotonic() + 60
        while "idle" not in pick("sinfo", "--noheader", "--format=%t"):
            assert time.monotonic() < deadline, (tmp_path / "slurmctld.log").read_text()
            time.sleep(1)
        yield
    finally:
        for process in reversed(running):
            process.terminate()
            process.wait(timeout=30)
        shutil.rmtree(munge, ignore_errors=True)
        configuration.unlink() if before is None else configuration.write_text(before)


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """Our Slurm profile with what this little cluster asks for."""
    settings = yaml.safe_load((ROOT / "workflow/slurm/config.yaml").read_text())
    settings |= {"slurm-no-account": True, "slurm-status-command": "squeue"}
    settings |= {"slurm-init-seconds-before-status-checks": 5, "seconds-between-status-checks": 5}
    settings["default-resources"] |= {"slurm_partition": "debug", "mem_mb": 3000}
    folder = tmp_path / "profile"
    folder.mkdir()
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    return folder


def test_smoke_study_on_slurm(slurm: None, profile: Path, adrl: Adrl, results: Path) -> None:
    study = ["study", "smoke", "--variants", "full", "--set", "episodes=12"]
    on_slurm = [*study, "--workflow-profile", str(profile)]
    with subprocess.Popen([*COMMAND, *on_slurm], cwd=ROOT) as process:
        wait_for(results / "smoke" / TRAIN / "resume.pt", process)
        for line in pick("squeue", "--noheader", "--states=R", "--format=%i %k").splitlines():
            number, _, comment = line.partition(" ")
            if "train" in comment and "published" in comment:
                pick("scancel", number)
        process.wait(timeout=600)
    assert process.returncode == 1
    assert not (results / "smoke" / TRAIN / "manifest.json").exists()

    resumed = adrl(*on_slurm)
    assert resumed.returncode == 0, resumed.stderr
    assert manifest.verify("smoke") == []
    here = adrl(*study, "--name", "here")
    assert here.returncode == 0, here.stderr
    assert_same_tables(results / "smoke", results / "here")
