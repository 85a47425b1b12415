"""Certificates as servers have them: of a private authority, and all that can be wrong with one."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
THIS_MACHINE = "DNS:localhost,IP:127.0.0.1,IP:::1"


@dataclass(frozen=True)
class Authority:
    """A private one, of which nobody knows who has not been given `certificate`."""

    folder: Path

    @property
    def certificate(self) -> Path:
        return self.folder / "authority.pem"

    def issue(self, name: str, names: str = THIS_MACHINE, days: int = 2) -> tuple[Path, Path]:
        """A server's certificate and its key; it has expired where `days` is negative."""
        key, asked, issued = (self.folder / f"{name}.{kind}" for kind in ("key", "csr", "pem"))
        extension = f"subjectAltName={names}"
        _openssl("req", *KEY, "-subj", f"/CN={name}", "-addext", extension, "-keyout", key, "-out", asked)
        of = ("-CA", self.certificate, "-CAkey", self.folder / "authority.key", "-CAcreateserial")
        _openssl("x509", "-req", "-in", asked, *of, "-days", days, "-copy_extensions", "copyall", "-out", issued)
        return issued, key


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    if not shutil.which("openssl"):
        pytest.skip("openssl is not there to make certificates with")
    made = Authority(tmp_path_factory.mktemp("authority"))
    whose = ("-days", "2", "-subj", "/CN=Private Authority")
    _openssl("req", "-x509", *KEY, *whose, "-keyout", made.folder / "authority.key", "-out", made.certificate)
    return made


@pytest.fixture(scope="session")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Certificate and key."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not there to make certificates with")
    folder = tmp_path_factory.mktemp("self-signed")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    names = ("-days", "2", "-subj", "/CN=localhost", "-addext", f"subjectAltName={THIS_MACHINE}")
    _openssl("req", "-x509", *KEY, *names, "-keyout", key, "-out", certificate)
    return certificate, key


def _openssl(*words: object) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
