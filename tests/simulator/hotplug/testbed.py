#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Runs pcscd on a mocked USB bus, so that virtual readers can be plugged and unplugged.

To be run under umockdev-wrapper. Reads commands from standard input, answers each with a line that
begins with "ok" or "error"; ends pcscd and itself at the end of input.

    plug NAME PORT SERIAL   a reader whose driver listens on 127.0.0.1:PORT ("-": no serial number)
    unplug NAME
    restart                 ends pcscd, if it still runs, and starts it anew with what is plugged;
                            answered by its process id, as is the start
"""

import os
import signal
import socket
import sys
import time

import gi

gi.require_version("UMockdev", "1.0")
from gi.repository import UMockdev  # noqa: E402

VENDOR, PRODUCT = "f4d0", "0001"  # as in ifd/Info.plist
HUB = "/devices/pci0000:00/0000:00:14.0/usb1"

HUB_DESCRIPTION = f"""P: {HUB}
N: bus/usb/001/001
E: DEVNAME=/dev/bus/usb/001/001
E: DEVTYPE=usb_device
E: SUBSYSTEM=usb
A: idVendor=1d6b
A: idProduct=0002
A: busnum=1\\n
A: devnum=1\\n

"""


class Bus:
    """One USB bus; each reader keeps its socket of the hub, and gets a new device number per plug."""

    def __init__(self):
        self.testbed = UMockdev.Testbed.new()
        self.testbed.add_from_string(HUB_DESCRIPTION)
        self.sockets = {}
        self.nodes = {}  # of the readers that are plugged
        self.last_number = 1

    def path(self, name):
        return f"{HUB}/1-{self.sockets.setdefault(name, len(self.sockets) + 1)}"

    def sysfs(self, name):
        """The device and its one interface, the outer first."""
        device = f"/sys{self.path(name)}"
        return device, f"{device}/{os.path.basename(device)}:1.0"

    def plug(self, name, port, serial):
        if name in self.nodes:
            raise ValueError(f"{name} is plugged already")
        device = self.path(name)
        self.last_number = (self.last_number - 1) % 126 + 2  # 1 is the hub
        node = f"bus/usb/001/{self.last_number:03}"
        # The driver reads from the device node where it has to listen.
        content = f"127.0.0.1:{int(port)}\n".encode().hex().upper()
        lines = [
            f"P: {device}",
            f"N: {node}={content}",
            f"E: DEVNAME=/dev/{node}",
            "E: DEVTYPE=usb_device",
            "E: SUBSYSTEM=usb",
            f"A: idVendor={VENDOR}",
            f"A: idProduct={PRODUCT}",
            "A: busnum=1\\n",
            f"A: devnum={self.last_number}\\n",
        ]
        if serial != "-":
            lines.append(f"A: serial={serial}")
        self.testbed.add_from_string("\n".join(lines) + "\n\n")
        interface = [
            f"P: {device}/{os.path.basename(device)}:1.0",
            "E: DEVTYPE=usb_interface",
            "E: SUBSYSTEM=usb",
            "A: bInterfaceClass=0b",
            "A: bInterfaceNumber=00",
        ]
        self.testbed.add_from_string("\n".join(interface) + "\n\n")
        self.nodes[name] = f"{self.testbed.get_root_dir()}/dev/{node}"

    def unplug(self, name):
        if name not in self.nodes:
            raise ValueError(f"{name} is not plugged")
        node = self.nodes.pop(name)
        if os.path.lexists(node):  # a driver in the middle of an exchange notices by this alone
            os.unlink(node)
        device, interface = self.sysfs(name)
        for path in (interface, device):
            self.testbed.uevent(path, "remove")
            self.testbed.remove_device(path)


def start_pcscd(socket_path, command, bus):
    """pcscd takes its socket by systemd's protocol, as descriptor 3. It must not outlive us."""
    command = ["/usr/bin/setpriv", "--pdeathsig", "KILL", *command]
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(socket_path)
    listener.listen(64)
    pid = os.fork()
    if pid == 0:
        os.dup2(listener.fileno(), 3, inheritable=True)
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        os.dup2(2, 1)
        environment = dict(
            os.environ,
            LISTEN_FDS="1",
            LISTEN_PID=str(os.getpid()),
            UMOCKDEV_DIR=bus.testbed.get_root_dir(),
        )
        os.execve(command[0], command, environment)
    listener.close()
    return pid


def end(pid):
    try:
        os.kill(pid, signal.SIGCONT)
        os.kill(pid, signal.SIGTERM)
        for _ in range(200):
            if os.waitpid(pid, os.WNOHANG)[0]:
                return
            time.sleep(0.01)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    except (ProcessLookupError, ChildProcessError):
        pass


def main():
    # The terminal's Ctrl-C is for the program that started us; its end of input is our end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    socket_path, command = sys.argv[1], sys.argv[2:]
    bus = Bus()
    pid = start_pcscd(socket_path, command, bus)
    print(f"ok {pid}", flush=True)
    try:
        for line in sys.stdin:
            try:
                verb, *words = line.split()
                if verb == "restart":
                    end(pid)
                    os.unlink(socket_path)
                    pid = start_pcscd(socket_path, command, bus)
                    print(f"ok {pid}", flush=True)
                else:
                    {"plug": bus.plug, "unplug": bus.unplug}[verb](*words)
                    print("ok", flush=True)
            except Exception as error:  # one bad command must not end the bus
                print(f"error {type(error).__name__}: {error}".replace("\n", " "), flush=True)
    finally:
        end(pid)


main()
