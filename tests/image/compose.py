# SPDX-License-Identifier: Apache-2.0
"""docker/compose.yaml, run by docker-compose and, in the place of Docker's daemon, podman."""
import os
import pathlib
import subprocess
import time

import yaml

import container

FILE = container.ROOT / "docker/compose.yaml"
PROJECT = "mediaferrytest"
LIMITS = {"nofile": {"soft": 1024, "hard": 20000}, "nproc": {"soft": 1000, "hard": 1000}}


class Demo:
    def __init__(self, folder: pathlib.Path):
        self.remove()
        socket = folder / "podman.sock"
        services = yaml.safe_load(FILE.read_text())["services"]
        limits = folder / "limits.yaml"
        limits.write_text(yaml.safe_dump({"services": {name: {"ulimits": LIMITS} for name in services}}))
        self.words = ("docker-compose", "-p", PROJECT, "-f", FILE, "-f", limits)
        self.environment = {**os.environ, "DOCKER_HOST": f"unix://{socket}", "TAG": container.TAG}
        with open(folder / "podman.log", "w") as log:
            self.service = subprocess.Popen([*container.PODMAN, "system", "service", "--time=0", f"unix://{socket}"],
                                            stdout=log, stderr=log)
        for _ in range(100):
            if socket.exists():
                break
            time.sleep(0.1)
        container.run(*self.words, "up", "--no-build", "--detach", env=self.environment)

    @staticmethod
    def name(service):
        return f"{PROJECT}_{service}_1"

    def log(self, service):
        done = container.podman("logs", self.name(service))
        return done.stdout + done.stderr

    def ctl(self, node, *words):
        return container.podman("exec", self.name(node), "mediaferryctl", *words).stdout

    def kill(self, service):
        container.podman("kill", "--signal=KILL", self.name(service))

    def start(self, service):
        container.podman("start", self.name(service))

    def stop(self):
        self.service.terminate()
        self.service.wait(20)
        self.remove()

    @staticmethod
    def remove():
        """Also what a test that was killed has left: first those that live in the network of others."""
        for _ in range(2):
            left = container.podman("ps", "--all", "--quiet", "--filter", f"name={PROJECT}_").stdout.split()
            for one in left:
                container.podman("rm", "--force", "--time", "1", one, check=False)
        container.podman("network", "rm", "--force", f"{PROJECT}_demo", check=False)
