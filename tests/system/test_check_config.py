# SPDX-License-Identifier: Apache-2.0
"""The program that looks at configurations instead of running."""
import subprocess

from daemon import BINARY

SECRET = "h1dd3n"


def run(*options):
    return subprocess.run([BINARY, *options], capture_output=True, text=True, timeout=30, check=False)


def test_a_possible_configuration_is_told_without_secrets(tmp_path):
    config = tmp_path / "mediaferry.conf"
    config.write_text(f"[mediaferry]\ninterface = 127.0.0.1\n[turn]\nuser = alice:{SECRET}\nrealm = example.org\n")
    done = run(f"--config-file={config}", "--check-config")
    assert (done.returncode, done.stderr) == (0, "")
    assert "STUN and TURN\n  listening: 127.0.0.1\n" in done.stdout
    assert f"turn-realm = example.org ({config}:5)" in done.stdout
    for option in ("--check-config", "--print-config"):
        assert SECRET not in run(f"--config-file={config}", option).stdout


def test_an_impossible_one_ends_with_status_2(tmp_path):
    config = tmp_path / "mediaferry.conf"
    config.write_text("[turn]\nrealm = example.org\n")
    done = run(f"--config-file={config}", "--check-config")
    assert done.returncode == 2
    assert f"{config}:2: option 'turn-realm': TURN has no authentication" in done.stderr
    assert done.stdout == ""


def test_a_coturn_file_becomes_ours(tmp_path):
    theirs, ours = tmp_path / "turnserver.conf", tmp_path / "mediaferry.conf"
    theirs.write_text(f'lt-cred-mech\nrealm=example.org\nuser=alice:{SECRET}\nverbose\nlistening-ip=127.0.0.1\n'
                      'user="bob:b;c"\nno-cli\nuserdb=/var/lib/turn/turndb\n')
    done = run("--config-file=none", "--check-config", "--turnserver-conf", str(theirs))
    assert done.returncode == 0
    assert "5 options carried over, 3 not" in done.stderr
    assert "# line 4, verbose: not carried over because" in done.stdout

    ours.write_text(done.stdout)
    checked = run(f"--config-file={ours}", "--interface=127.0.0.1", "--check-config")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "users: 2, secrets: 0" in checked.stdout
    assert "Warnings" not in checked.stdout
