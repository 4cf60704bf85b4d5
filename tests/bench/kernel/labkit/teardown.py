# SPDX-License-Identifier: Apache-2.0
"""The end of a lab, whatever state it is in: from its fixed names alone."""

import shutil
import signal

from . import machines, processes
from .processes import run, wait_until
from .storage import Storage
from .topology import DIRECTORY, LAB_ID
from .traffic import Traffic
from .vswitch import VSwitch

DIRECTORIES = [DIRECTORY, "/run/openvswitch", "/run/ovn", "/var/log/openvswitch", "/var/log/ovn"]


def end_jobs(storage):
    """Before the switch is taken from under them."""
    traffic = Traffic(f"{DIRECTORY}/jobs", LAB_ID, None)

    def have_ended():
        running = traffic.jobs.running()
        for job in running:
            processes.signal_marked(job.pid, LAB_ID, signal.SIGKILL)
        if running:
            storage.abort()
        return not running
    wait_until(have_ended, 30, "the end of the jobs", interval=0.2)


def end_everything(nic):
    storage = Storage(LAB_ID, f"{DIRECTORY}/mnt")
    end_jobs(storage)
    storage.unmount_all()
    processes.end_all(LAB_ID)
    storage.stop_server()
    machines.delete_all()
    VSwitch.delete_datapath()
    nic.unload()
    run(["conntrack", "-F"], check=False)
    for directory in DIRECTORIES:
        shutil.rmtree(directory, ignore_errors=True)
