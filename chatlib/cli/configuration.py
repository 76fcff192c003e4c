"""Where the values of options come from: flags over environment over hubbub.toml.

The names are those of the options, and what they take is what the options take: an option's
argparse action converts and checks a value wherever it stands. docs/operations.md tells the user.
"""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from chatlib.errors import BadConfiguration

FILE = "hubbub.toml"
VARIABLE = "HUBBUB_CONFIG"  # names the file
PREFIX = "HUBBUB_"
EVERY = ""  # in place of a command: holds for every command that has the option
WORDS = {"1": True, "true": True, "yes": True, "on": True,
         "0": False, "false": False, "no": False, "off": False}  # fmt: skip
ALIKE = 0.7  # of 1: `nik` and `nick` are more alike than that, `wibble` and `idle` are not
# Of TLS, of the page server, of who may see the page, and how: nobody else's.
OTHERWISE = {("web", key) for key in ("key", "data", "access", "insecure", "ready-file")}
NOT_HERE = ("--help", "--version", "--config", "--yes")  # consent is given each time

Parsers = Mapping[str, argparse.ArgumentParser]


class Setting(NamedTuple):
    """A value as the option would have it, and who says so."""

    key: str
    value: Any
    source: str
    told: str  # as it was written


class Fault(NamedTuple):
    """What is wrong, in words; it keeps `command` from running, or EVERY one."""

    command: str
    text: str


Layer = dict[str, dict[str, Setting]]  # by command, then by the option's name in the namespace


class Configuration:
    """What the environment and the file say, of which `path` is None where there is none.

    `named` is the file that `--config` names. `faults` keep commands from running, `doubts`
    (variables that may be meant for others) don't.
    """

    def __init__(
        self, path: Path | None, environ: Mapping[str, str], parsers: Parsers, named: str = ""
    ) -> None:
        self.path = path
        self.named = named
        self.faults: list[Fault] = []
        self.doubts: list[str] = []
        self._parsers = parsers
        self._file = self._read_file()
        self._environment = self._read_environment(environ)

    def check(self, command: str) -> None:
        """Raise BadConfiguration where something is wrong that concerns the command."""
        found = [fault.text for fault in self.faults if fault.command in (EVERY, command)]
        if found:
            how = "hubbub config check" + (
                f" --config {shlex.quote(self.named)}" if self.named else ""
            )
            more = f" ({len(found) - 1} more: {how})" if len(found) > 1 else ""
            raise BadConfiguration(found[0] + more)

    def settings(self, command: str, given: Collection[str] = ()) -> dict[str, Setting]:
        """Return what holds for a command, beside the options that were `given` as flags.

        Of options that exclude each other the one of the higher place counts.
        """
        chosen: dict[str, Setting] = {}
        active = set(given)
        for layer in (self._environment, self._file):
            found = self._of_all(layer, command) | layer.get(command, {})
            groups = exclusive(self._parsers[command])
            free = {
                dest: setting
                for dest, setting in found.items()
                if not any(dest in group and group & active for group in groups)
                and dest not in chosen
                and dest not in given
            }
            chosen |= {d: s for d, s in free.items() if d in _dests(self._parsers[command])}
            active |= {dest for dest, setting in free.items() if setting.value is not False}
        return chosen

    def _of_all(self, layer: Layer, command: str) -> dict[str, Setting]:
        """Return what is set for all commands and means the same for this one.

        `--nick` of `log` is a choice of people, `--key` of `ban` somebody else's, of `web` TLS's.
        """
        usual, own = self._known(EVERY), self._known(command)
        return {
            dest: setting
            for dest, setting in layer.get(EVERY, {}).items()
            if setting.key in own
            and _sort(usual[setting.key]) == _sort(own[setting.key])
            and (command, setting.key) not in OTHERWISE
        }

    # -- reading ------------------------------------------------------------------------------

    def _read_file(self) -> Layer:
        if self.path is None:
            return {}
        import tomllib

        try:
            with self.path.open("rb") as file:
                data = tomllib.load(file)
        except OSError as e:
            self.faults.append(Fault(EVERY, f"cannot read {self.path}: {e.strerror}"))
            return {}
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
            self.faults.append(Fault(EVERY, f"{self.path} is not TOML: {e}"))
            return {}
        layer: Layer = {}
        plain = {key: value for key, value in data.items() if not isinstance(value, dict)}
        self._take(layer, EVERY, plain, str(self.path))
        for command, table in data.items():
            if not isinstance(table, dict):
                continue
            if command in self._parsers:
                self._take(layer, command, table, f"{self.path} [{command}]")
            else:
                text = f"{self.path}: there is no command {command!r}"
                self.faults.append(Fault(EVERY, text + nearest(command, self._parsers)))
        return layer

    def _take(self, layer: Layer, command: str, table: Mapping[str, Any], source: str) -> None:
        known = self._known(command)
        for key, value in table.items():
            if key not in known:
                text = f"{source}: there is no option {key!r}{nearest(key, known)}"
                self.faults.append(Fault(command, text))
                continue
            if (found := self._setting(command, key, value, f"{source} {key}")) is not None:
                layer.setdefault(command, {})[found[0]] = found[1]
        self._exclude(layer, command)

    def _setting(
        self, command: str, key: str, value: Any, source: str
    ) -> tuple[str, Setting] | None:
        """Return the option's name in the namespace and what it is set to; None for a fault."""
        action = self._known(command)[key]
        try:
            told = str(value).lower() if isinstance(value, bool) else str(value)
            return action.dest, Setting(key, converted(action, value), source, told)
        except ValueError as e:
            self.faults.append(Fault(command, f"{source}: {e}"))
            return None

    def _exclude(self, layer: Layer, command: str) -> None:
        if command == EVERY:
            return
        for group in exclusive(self._parsers[command]):
            found = layer.get(command, {})
            given = [found[dest] for dest in sorted(group & found.keys()) if found[dest].value]
            if len(given) > 1:
                text = f"{given[0].source}: not together with {given[1].key!r}: take one of them"
                self.faults.append(Fault(command, text))

    def _known(self, command: str) -> dict[str, argparse.Action]:
        if command != EVERY:
            return options(self._parsers[command])
        found: dict[str, argparse.Action] = {}
        for parser in self._parsers.values():  # the first is the one that people know
            found = options(parser) | found
        return found

    def _read_environment(self, environ: Mapping[str, str]) -> Layer:
        layer: Layer = {}
        places = {
            variable(command, key): (command, key, action)
            for command in (EVERY, *self._parsers)
            for key, action in self._known(command).items()
        }
        for name, text in sorted(environ.items()):
            if not text:
                continue  # as good as not set
            if name in places and name != VARIABLE:
                command, key, action = places[name]
                value: Any = text.split() if isinstance(action.default, list) else text
                value = WORDS.get(text.lower(), text) if action.nargs == 0 else value
                if (found := self._setting(command, key, value, name)) is not None:
                    layer.setdefault(command, {})[found[0]] = found[1]
            elif any(name.startswith(variable(command, "")) for command in self._parsers):
                # Not a fault: Kubernetes tells of a service `hubbub-broker` by such names.
                self.doubts.append(f"{name} is no option{_nearest_variable(name, places)}")
        for command in self._parsers:
            self._exclude(layer, command)
        return layer


def locate(given: str | None, environ: Mapping[str, str]) -> Path | None:
    """Return the file that `--config` or $HUBBUB_CONFIG names, else this user's where there is one.

    Not that of the current directory: whoever wrote that one is not to decide whom we listen to.
    """
    from chatlib.cli.identity import config_directory

    named = given or environ.get(VARIABLE)
    if named:
        return Path(named)
    try:
        usual = config_directory() / FILE
    except BadConfiguration:  # without a home there is none
        return None
    return usual if usual.exists() else None


def options(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """Return the options of a command that may be set elsewhere than as a flag, by their keys."""
    found = {}
    for action in parser._actions:
        names = [name for name in action.option_strings if name.startswith("--")]
        if names and names[0] not in NOT_HERE:
            found[names[0].removeprefix("--")] = action
        elif not names and action.nargs == "?" and action.default is not None:
            found[action.dest] = action
    return found


def exclusive(parser: argparse.ArgumentParser) -> list[frozenset[str]]:
    """Return the options that exclude each other, by their names in the namespace."""
    return [
        frozenset(action.dest for action in group._group_actions)
        for group in parser._mutually_exclusive_groups
    ]


def _sort(action: argparse.Action) -> tuple[bool, Any, Any]:
    """Return what tells options of one name and two meanings apart."""
    return isinstance(action.default, list), action.nargs, action.type


def _dests(parser: argparse.ArgumentParser) -> set[str]:
    return {action.dest for action in options(parser).values()}


def variable(command: str, key: str) -> str:
    """Return the name of an option in the environment: HUBBUB_BROKER_KEEP_DAYS.

    Without a `key`, what all names of a command's options begin with.
    """
    return PREFIX + f"{command}_{key}".lstrip("_").upper().replace("-", "_")


def converted(action: argparse.Action, value: Any) -> Any:
    """Return a value as the option would have it. Raises ValueError."""
    if action.nargs == 0:
        if not isinstance(value, bool):
            quoted = isinstance(value, str) and value.lower() in WORDS
            advice = ": write it without quotation marks" if quoted else ""
            raise ValueError(f"{value!r} is neither true nor false{advice}")
        return value
    if isinstance(action.default, list):
        return [_one(action, one) for one in (value if isinstance(value, list) else [value])]
    return _one(action, value)


def _one(action: argparse.Action, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{value!r} is not what the option takes: write text or a number")
    text = str(value)
    kind: Any = action.type or str
    try:
        found = kind(text)
    except argparse.ArgumentTypeError as e:
        raise ValueError(str(e)) from None
    except (TypeError, ValueError):
        raise ValueError(f"{text!r} is not what the option takes") from None
    if action.choices is not None and found not in action.choices:
        raise ValueError(f"{text!r} is none of {', '.join(map(str, action.choices))}")
    return found


def nearest(word: str, known: Collection[str]) -> str:
    """Return what may have been meant, as the end of a sentence."""
    import difflib

    found = difflib.get_close_matches(word, known, n=1, cutoff=ALIKE)
    return f": did you mean {found[0]!r}?" if found else ""


def _nearest_variable(name: str, places: Mapping[str, tuple[str, str, argparse.Action]]) -> str:
    """Return the same of a variable: what all those of a command begin with is not alike."""
    for command in {command for command, _, _ in places.values()} - {EVERY}:
        head = variable(command, "")
        if name.startswith(head):
            ends = [one.removeprefix(head) for one in places if one.startswith(head)]
            found = nearest(name.removeprefix(head), ends)
            return found.replace("mean '", f"mean '{head}")
    return ""


def configured(
    given: str | None, parsers: Parsers, environ: Mapping[str, str] | None = None
) -> Configuration:
    """Return what the file and the environment say; `given` is the file that was named."""
    environ = os.environ if environ is None else environ
    return Configuration(locate(given, environ), environ, parsers, given or "")
