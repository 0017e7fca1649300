# SPDX-License-Identifier: Apache-2.0
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "system")]

import container  # noqa: E402
from rtp import Phone  # noqa: E402


@pytest.fixture(scope="session")
def image():
    container.make_images()


@pytest.fixture
def start(image):
    started = []

    def begin(*options, **keys):
        started.append(container.Container(*options, **keys))
        return started[-1]

    yield begin
    for one in started:
        one.remove()


@pytest.fixture
def phones():
    made = []

    def make():
        made.append(Phone())
        return made[-1]

    yield make
    for phone in made:
        phone.close()
