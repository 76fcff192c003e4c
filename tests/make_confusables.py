"""Make chatlib/confusables.txt of Unicode's: python -m tests.make_confusables FROM LICENSE > TO.

FROM is https://www.unicode.org/Public/security/latest/confusables.txt (also in the sources of
ICU, as source/data/unidata/confusables.txt, with the LICENSE). Only what can stand in a nickname
is taken.
"""

from __future__ import annotations

import sys
import unicodedata
from pathlib import Path

from chatlib.errors import BadName
from chatlib.names import nick_key

HANGUL = range(0x1100, 0x1200)  # what syllables are decomposed to
HEAD = """\
# Which characters look alike: PROTOTYPE: CHARACTERS, in hexadecimal.
# Made by tests/make_confusables.py of confusables.txt {version},
# of Unicode Technical Standard #39, which came with this notice:
#
"""


def may_stand_in_a_nickname(character: str) -> bool:
    if unicodedata.category(character) == "Cn":  # this Python is older than the table
        return True
    if ord(character) in HANGUL:
        return True
    try:
        nick_key("a" + character)
    except BadName:
        return False
    return unicodedata.normalize("NFKC", character) == character


def main(table: str, license_: str) -> None:
    version, alike = "", dict[str, list[str]]()
    for line in Path(table).read_text("utf-8-sig").splitlines():
        if line.startswith("# Version:"):
            version = line.split()[-1]
        fields = line.partition("#")[0].split(";")
        if len(fields) == 3 and may_stand_in_a_nickname(chr(int(fields[0], 16))):
            prototype = " ".join(part.lstrip("0") for part in fields[1].split())
            alike.setdefault(prototype, []).append(fields[0].strip().lstrip("0"))
    notice = Path(license_).read_text("utf-8").partition("\n---")[0]
    print(HEAD.format(version=version) + "\n".join(f"# {n}".rstrip() for n in notice.splitlines()))
    for prototype, characters in sorted(alike.items()):
        print(f"{prototype}: {' '.join(characters)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
