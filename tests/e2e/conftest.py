# SPDX-License-Identifier: Apache-2.0
"""Worlds are made once and shared; each test gets fresh phones and, when it fails, all evidence."""

import pytest

from .namespaces import remove_stale
from .world import NatWorld, OpenWorld, World


@pytest.fixture(scope="session")
def _stale():
    remove_stale()


@pytest.fixture(scope="session")
def open_world(_stale, tmp_path_factory):
    made = OpenWorld(tmp_path_factory.mktemp("open"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def hidden_world(_stale, tmp_path_factory):
    made = NatWorld(tmp_path_factory.mktemp("nat"))
    yield made
    made.stop()


def _one_test(shared):
    shared.begin()
    yield shared
    shared.end()
    assert not shared.faults(), "the relay dropped packets of a sound call"


@pytest.fixture
def world(open_world):
    yield from _one_test(open_world)


@pytest.fixture
def nat_world(hidden_world):
    yield from _one_test(hidden_world)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if not report.failed:
        return
    for value in item.funcargs.values():
        if isinstance(value, World) and value.mark:
            report.sections.extend(value.evidence())
