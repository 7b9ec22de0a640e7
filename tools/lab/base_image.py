"""Lambda's base image: pulled where that is possible, else a stand-in built from packages.

The stand-in is Debian's Python 3.13 with AWS's runtime client and the Runtime Interface Emulator that ships inside
SAM. It lets the image be built and run as Lambda would; it is not AWS's image and must never be pushed.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

from tools.lab.commands import ROOT, CommandFailed, run, side_venv
from tools.lab.engine import STATE, install_packages

BASE_IMAGE = "public.ecr.aws/lambda/python:3.13"
# The name under which SAM looks for the image of zip functions.
SAM_BASE_IMAGE = f"{BASE_IMAGE}-x86_64"
_DEBIAN_IMAGE = "localhost/rmbg-debian-python:3.13"
_PACKAGES = "python3-minimal,libpython3-stdlib,ca-certificates,python3-pip-whl"
_PULL_SECONDS = 300
_UNNEEDED = ("man", "doc", "locale")
_FILES = Path(__file__).parent / "base_image_files"


def ensure_base_image(environment: dict[str, str]) -> None:
    """Make BASE_IMAGE and SAM_BASE_IMAGE known to the engine."""
    if not _known(BASE_IMAGE, environment) and not _pulled(environment):
        _build_stand_in(environment)
    run(["docker", "tag", BASE_IMAGE, SAM_BASE_IMAGE], environment)


def _known(image: str, environment: dict[str, str]) -> bool:
    try:
        run(["docker", "image", "inspect", image], environment)
    except CommandFailed:
        return False
    return True


def _pulled(environment: dict[str, str]) -> bool:
    try:
        run(["docker", "pull", "--quiet", BASE_IMAGE], environment, timeout_seconds=_PULL_SECONDS)
    except (CommandFailed, subprocess.TimeoutExpired):
        return False
    return True


def _build_stand_in(environment: dict[str, str]) -> None:
    if not _known(_DEBIAN_IMAGE, environment):
        run(["docker", "import", _debian_root(), _DEBIAN_IMAGE], environment)
    with tempfile.TemporaryDirectory() as folder:
        context = Path(folder)
        shutil.copytree(_FILES, context, dirs_exist_ok=True)
        shutil.copy(ROOT / "requirements" / "lambda_base.txt", context / "requirements.txt")
        shutil.copy(_runtime_interface_emulator(), context / "aws-lambda-rie")
        # The engine's network may end in a proxy whose authority only this machine knows.
        shutil.copy("/etc/ssl/certs/ca-certificates.crt", context / "ca.crt")
        run(["docker", "build", "--quiet", "--tag", BASE_IMAGE, context], environment)


def _debian_root() -> Path:
    """The files of a minimal Debian with Python 3.13, as a tar archive."""
    archive = STATE / "debian-python.tar"
    if not archive.is_file():
        if shutil.which("mmdebstrap") is None:
            install_packages("mmdebstrap")
        unfinished = archive.with_suffix(".unfinished")
        excluded = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _UNNEEDED]
        command = ["mmdebstrap", "--quiet", "--format=tar", "--variant=minbase", f"--include={_PACKAGES}"]
        late = '--aptopt=Acquire::Check-Valid-Until "false"'
        run([*command, late, *excluded, "trixie", unfinished, _mirror()])
        unfinished.rename(archive)
    return archive


def _mirror() -> str:
    """The mirror that this machine's apt uses."""
    for source in (Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list")):
        if source.is_file():
            for line in source.read_text(encoding="utf-8").splitlines():
                words = line.split()
                if words and words[0] in {"URIs:", "deb"}:
                    return next(word for word in words if "://" in word)
    raise CommandFailed("apt's sources name no mirror")


def _runtime_interface_emulator() -> Path:
    (emulator,) = side_venv("sam").parent.glob("lib/python3*/site-packages/samcli/local/rapid/aws-lambda-rie-x86_64")
    return emulator
