"""The sources that a frozen image wants, as one archive: what a manifest in boards/ names."""

import gzip
import io
import subprocess
import tarfile

from tools.release import Refused
from tools.unixport import ROOT

FROZEN = ("LICENSE", "boards", "firmware", "lib")


def archive(name: str) -> bytes:
    """Return a .tar.gz with one folder of that name, the same bytes at each time and place."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in _tracked():
            data = (ROOT / path).read_bytes()
            info = tarfile.TarInfo(f"{name}/{path}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return gzip.compress(raw.getvalue(), mtime=0)


def _tracked():
    """Return the files that belong to the project: beside them may lie somebody's settings."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--", *FROZEN]
    try:
        listed = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        listed = ""
    if not listed:
        raise Refused(f"{ROOT} is no checkout of git, which knows what belongs to the project")
    return sorted(filter(None, listed.split("\0")))
