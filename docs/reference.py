"""Makes what is told of the commands from their parsers: `make reference`.

That is the tables of docs/cli.md, the man page docs/hubbub.1 and the completions of three shells,
in chatlib/cli/completions. A test holds all of them equal to the parsers. Those of the shells are
made by shtab: it knows all three, and what it makes needs nothing at run time.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from chatlib.cli.completion import SCRIPTS, SHELLS  # noqa: E402
from chatlib.cli.main import command_parsers, make_parser  # noqa: E402
from chatlib.version import __version__  # noqa: E402

CLI, MAN = ROOT / "docs" / "cli.md", ROOT / "docs" / "hubbub.1"
BLOCK = re.compile(r"(<!-- hubbub ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
EXIT_CODES = {
    0: "done; a broker: it was asked to stop",
    2: "wrong arguments",
    65: "`check` found faults in the history",
    69: "no broker answers",
    70: "an error of Hubbub itself",
    73: "a socket or a file can't be made",
    74: "the history can't be stored",
    75: "no answer in time",
    76: "the other side does not keep to the protocol",
    77: "refused",
    78: "the configuration is wrong",
    130: "ended by Ctrl-C",
}


def arguments(parser: argparse.ArgumentParser) -> list[tuple[str, str]]:
    """Return each argument and option of a command as it is written, and what it does."""
    told = (a for a in parser._actions if a.help != argparse.SUPPRESS)  # else only for our own use
    return [(_written(a), _help(a)) for a in told if "--help" not in a.option_strings]


def _written(action: argparse.Action) -> str:
    metavar = action.metavar
    if metavar is None and action.choices is not None:
        metavar = "{" + ",".join(map(str, action.choices)) + "}"
    value = "" if action.nargs == 0 else str(metavar or action.dest.upper())
    if not action.option_strings:
        return value if metavar else action.dest
    return ", ".join(f"{name} {value}".rstrip() for name in action.option_strings)


def _help(action: argparse.Action) -> str:
    return (action.help or "") % vars(action)


def usage(name: str, parser: argparse.ArgumentParser) -> str:
    """Return how a command is called."""
    places = [a for a in parser._actions if not a.option_strings]
    words = [f"[{_written(a)}]" if a.nargs == "?" else _written(a) for a in places]
    return " ".join(["hubbub", name, "[OPTION ...]", *words])


def markdown(name: str, parser: argparse.ArgumentParser) -> str:
    """Return what docs/cli.md says of a command."""
    rows = [f"| `{written}` | {told} |" for written, told in arguments(parser)]
    lines = ["```text", usage(name, parser), "```", "", parser.description or "", ""]
    return "\n".join([*lines, "| option | |", "| --- | --- |", *map(_escaped, rows), ""])


def _escaped(row: str) -> str:
    # A | inside of a cell ends it, in code, too.
    head, *cells, tail = row.split(" | ")
    return " | ".join([head, r" \| ".join(cells), tail]) if cells else row


def cli(text: str) -> str:
    """Return docs/cli.md with its tables made anew."""
    parsers = command_parsers()
    return BLOCK.sub(lambda m: m[1] + markdown(m[2], parsers[m[2]]) + m[3], text)


def man() -> str:
    """Write the man page, in the macros of man."""
    parsers = command_parsers()
    parser = make_parser()
    lines = [
        f'.TH HUBBUB 1 "" "hubbub {__version__}" "User Commands"',
        ".SH NAME",
        r"hubbub \- group chat on ZeroMQ: a broker and a terminal client",
        ".SH SYNOPSIS",
        r".B hubbub",
        r"\fICOMMAND\fR [\fIOPTION\fR ...]",
        ".SH DESCRIPTION",
        _roff(parser.description or ""),
        "Options that are not given are read from the environment (HUBBUB_BROKER_LISTEN is",
        r"\-\-listen of broker) and from hubbub.toml.",
        ".SH COMMANDS",
    ]
    for name, command in parsers.items():
        lines += [f'.SS "{_roff(usage(name, command))}"', _roff(command.description or "")]
        for written, told in arguments(command):
            lines += [".TP", rf"\fB{_roff(written)}\fR", _roff(told)]
    lines += [".SH EXIT STATUS"]
    for code, told in EXIT_CODES.items():
        lines += [".TP", rf"\fB{code}\fR", _roff(told)]
    return "\n".join(lines) + "\n"


def _roff(text: str) -> str:
    text = text.replace("\\", r"\e").replace("-", r"\-").replace("`", "").replace('"', r"\(dq")
    return "\n".join(r"\&" + line if line[:1] in ".'" else line for line in text.splitlines())


def completion(shell: str) -> str:
    """Return a shell's completion."""
    import shtab  # noqa: PLC0415 - for developers alone

    parser = make_parser()
    for one in (parser, *_commands(parser)):
        for action in one._actions:
            if action.metavar == "FILE":
                action.complete = shtab.FILE  # type: ignore[attr-defined]
            elif action.metavar == "DIR":
                action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
    return str(shtab.complete(parser, shell=shell)).rstrip() + "\n"


def _commands(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    (subparsers,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return list(subparsers.choices.values())


def main() -> None:
    """Write all of it."""
    CLI.write_text(cli(CLI.read_text()))
    MAN.write_text(man())
    for shell, name in SHELLS.items():
        (SCRIPTS / name).write_text(completion(shell))


if __name__ == "__main__":
    main()
