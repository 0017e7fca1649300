# SPDX-License-Identifier: Apache-2.0
"""The image of docker/Dockerfile, built and run by podman, which needs no daemon."""
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
PODMAN = ("podman", "--runtime", "runc", "--cgroup-manager=cgroupfs")
BASE = "localhost/mediaferry-test-base"
# A bare machine may allow no more to its root.
LIMITS = ("--ulimit=nofile=1024:20000", "--ulimit=nproc=1000:1000")
# As docker/compose.yaml names them.
TAG = "test"
IMAGE = f"localhost/mediaferry:{TAG}"
DEMO_IMAGE = f"localhost/mediaferry-demo:{TAG}"


def run(*words, seconds=60, check=True, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=seconds, check=False,
                          **options)
    assert not check or done.returncode == 0, f"{' '.join(map(str, words))}\n{done.stdout[-4000:]}\n{done.stderr[-8000:]}"
    return done


def podman(*words, **options):
    return run(*PODMAN, *words, **options)


def make_base():
    """Debian 12 as its archive has it: a host that can install packages can make it, without a registry of images. Made
    once on a machine, so that the layers over it are found again."""
    if podman("image", "exists", BASE, check=False).returncode == 0:
        return
    with tempfile.TemporaryDirectory(prefix="mediaferry-base-") as folder:
        mirror = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")
        run("debootstrap", "--variant=minbase", "--include=ca-certificates", "bookworm", folder, mirror, seconds=600)
        run("sh", "-c", f"tar -C {folder} -c . | {' '.join(PODMAN)} import - {BASE}", seconds=120)


def build(image, file, context):
    podman("build", "--format=docker", "--isolation=chroot", "--network=host", "--build-arg", f"BASE={BASE}",
           "-f", file, "-t", image, context, seconds=900, cwd=ROOT)


def make_images():
    make_base()
    build(IMAGE, "docker/Dockerfile", ".")
    build(DEMO_IMAGE, "docker/demo/Dockerfile", "docker/demo")


class Container:
    """One that runs `mediaferry` with these options, in the network of the test."""

    def __init__(self, *options, environment=None, podman_options=()):
        variables = [f"--env={name}={value}" for name, value in (environment or {}).items()]
        self.id = podman("run", "--detach", "--network=host", *LIMITS, *podman_options, *variables, IMAGE,
                         *options).stdout.strip()

    def log(self):
        done = podman("logs", self.id)
        return done.stdout + done.stderr

    def exec(self, *words, check=True):
        return podman("exec", self.id, *words, check=check)

    def inspect(self, what):
        return podman("inspect", "--format", what, self.id).stdout.strip()

    def stop(self, seconds=10):
        """As an engine does: SIGTERM, and SIGKILL when that does not help. Returns the exit code."""
        podman("stop", "--time", seconds, self.id, seconds=seconds + 60)
        return int(self.inspect("{{.State.ExitCode}}"))

    def remove(self):
        podman("rm", "--force", "--time", "1", self.id, check=False)


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit("the image is built on a Debian root of the tests' own making: run them as root")
    make_images()
