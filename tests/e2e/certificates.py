# SPDX-License-Identifier: Apache-2.0
"""A certificate authority of the test's own, and how Chromium comes to trust it."""

import base64
import json
import ssl

from .namespaces import run

_NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]


class Authority:
    def __init__(self, directory):
        self.directory = directory
        self.certificate, self._key = self._paths("authority")
        run("openssl", "req", "-x509", *_NEW_KEY, "-subj", "/CN=e2e authority",
            "-keyout", str(self._key), "-out", str(self.certificate))

    def _paths(self, name):
        return self.directory / f"{name}.pem", self.directory / f"{name}-key.pem"

    def issue(self, name, *alternatives):
        """Paths of the certificate and the key of a server with these names (`DNS:x`, `IP:y`)."""
        certificate, key = self._paths(name)
        run("openssl", "req", "-x509", *_NEW_KEY, "-CA", str(self.certificate),
            "-CAkey", str(self._key), "-subj", f"/CN={name}",
            "-addext", f"subjectAltName={','.join(alternatives)}",
            "-addext", "basicConstraints=critical,CA:FALSE",
            "-keyout", str(key), "-out", str(certificate))
        return certificate, key

    def chromium_policy(self):
        """What to put in the place of /etc/chromium for a Chromium that trusts this authority."""
        folder = self.directory / "chromium"
        (folder / "policies" / "managed").mkdir(parents=True)
        der = ssl.PEM_cert_to_DER_cert(self.certificate.read_text())
        policy = {"CACertificates": [base64.b64encode(der).decode()]}
        (folder / "policies" / "managed" / "authority.json").write_text(json.dumps(policy))
        return folder
