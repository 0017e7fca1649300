# SPDX-License-Identifier: Apache-2.0
"""What docker/ sets is what the program has."""
import re

import pytest
import yaml

import container

FILES = ("docker/compose.yaml", "docker/kubernetes.yaml")


@pytest.fixture(scope="module")
def options(image):
    sample = container.podman("run", "--rm", *container.LIMITS, container.IMAGE, "--config-file=none", "--print-config")
    return set(re.findall(r"^#?([a-z][a-z0-9-]*) =", sample.stdout, re.M))


@pytest.mark.parametrize("name", FILES)
def test_variables_are_options(options, name):
    text = (container.ROOT / name).read_text()
    assert list(yaml.safe_load_all(text))
    variables = set(re.findall(r"\bMEDIAFERRY_([A-Z_]+)", text))
    unknown = {one for one in variables if one.lower().replace("_", "-") not in options}
    assert variables and not unknown, unknown
