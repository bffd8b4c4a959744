"""Fetches the training text: the King James Bible from the Debian packages `bible-kjv` and `bible-kjv-text`.

The translation is of 1611 and its copyright has expired, as the package's copyright file says: docs/model.md.
Only the text is used: the packages are unpacked into the work folder, nothing is installed, and their `bible`
program is run once to decompress its own data file. Needs apt-get, dpkg-deb and the readline library, as on
any Debian on amd64.

    python models/fetch_text.py build/text
"""

import re
import subprocess
import sys
from pathlib import Path

PACKAGES = ("bible-kjv", "bible-kjv-text")
WHOLE_BOOK = "gen1:1-rev22:21"


def fetch_text(folder: Path) -> Path:
    """Returns `folder/kjv.txt`, made if missing: one verse a line, without references, ASCII, about 4.1 MB.

    Raises:
        subprocess.CalledProcessError: a package cannot be downloaded, unpacked or run.
        ValueError: the text is shorter than 4 MB or not ASCII: not the package this was written for.
    """
    text_file = folder / "kjv.txt"
    if text_file.exists():
        return text_file
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["apt-get", "download", *PACKAGES], cwd=folder, check=True)
    for package in sorted(folder.glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", package.name, "unpacked"], cwd=folder, check=True)
    unpacked = folder / "unpacked"
    program = [str(unpacked / "usr/bin/bible"), "-f", "-p", str(unpacked / "usr/lib"), WHOLE_BOOK]
    printed = subprocess.run(program, stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout
    text = plain_verses(printed.decode("ascii"))
    if len(text) < 4_000_000:
        raise ValueError(f"the text must be at least 4000000 bytes long, not {len(text)}")
    text_file.write_text(text, encoding="ascii")
    return text_file


def plain_verses(printed: str) -> str:
    """Drops each line's reference (`Ge1:1 In the ...` becomes `In the ...`) and the bracket marks."""
    lines = [re.sub(r"^\S+\d+:\d+\s+", "", line) for line in printed.splitlines()]
    kept = [re.sub(r"[\[\]{}<>]", "", line).strip() for line in lines]
    return "\n".join(line for line in kept if line) + "\n"


if __name__ == "__main__":
    sys.stdout.write(f"{fetch_text(Path(sys.argv[1]))}\n")
