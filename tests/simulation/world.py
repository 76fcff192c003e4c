"""A whole simulated chat, from a seed: a time of storms, then calm; then all must be well."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from chatlib.core.buckets import Limits
from chatlib.protocol import requests
from tests.simulation.clock import Clock
from tests.simulation.crash import POINTS, Fate
from tests.simulation.disk import Disk, FileDisk, MemoryDisk, Watch
from tests.simulation.judge import Judge
from tests.simulation.member import Member
from tests.simulation.network import CALM, Network, Weather
from tests.simulation.station import Station

STORM = Weather(delay=0.02, overtaken=0.02, feed_loss=0.02, control_loss=0.01)
ROOMS = ("lobby", "ops", "ops2", "ships", "küche", "комната")
DENS = ("den", "vault")  # private, where there are any
RULES: tuple[tuple[Any, dict[str, Any]], ...] = (
    (requests.Kick, {}),
    (requests.Kick, {"reason": "noise"}),
    (requests.Mute, {"seconds": 5}),
    (requests.Mute, {}),
    (requests.Unmute, {}),
    (requests.Ban, {}),
)
NICKS = ("Ann", "ann", "BOB", "bob", "Zoë", "zoë")  # that many want and that fold together
MiB = 1024 * 1024


class Plan(NamedTuple):
    """What kind of a run it is. `thinks` is the mean of seconds between a user's doings."""

    members: int = 50
    storm: Weather = STORM
    seconds: float = 60
    thinks: float = 3.0
    suffers: float = 12.0  # mean of seconds between what happens to a member
    frail: float = 0.05  # how much of that is a crash of the client
    memory: int = 64 * MiB
    keep: int | None = None  # events of a stream that are kept on disk; None for all
    crashes: float = 0.0  # mean of seconds between two; 0 for none
    points: tuple[str, ...] = POINTS  # where the broker crashes
    limits: Limits | None = None
    patience: float = 150  # seconds of calm, after which all must be well
    rights: bool = False  # there are private rooms, and people who are put out, and curious ones


# A short life of a few, in which the broker crashes again and again.
CRASHING = Plan(members=5, seconds=20, thinks=0.4, suffers=4.0, crashes=3.0)


class World:
    """Everything of one run. Its history is in memory, or in `directory`."""

    def __init__(self, seed: int, plan: Plan, directory: Path | None = None) -> None:
        self.chance = Random(seed)
        self.clock = Clock()
        self.network = Network(self.clock, self.chance)
        self.judge = Judge()
        self.fate = Fate()
        self.watch = Watch(self.network, self.fate, self.judge)
        self.disk: Disk = (
            FileDisk(self.watch, directory, plan.keep)
            if directory
            else MemoryDisk(self.watch, plan.memory)
        )
        self.station = Station(self.network, self.judge, self.disk, self.fate, plan.limits)
        self.members = [
            Member(self.network, self.station, self.judge, number) for number in range(plan.members)
        ]
        self._plan = plan
        self._stormy = True

    def run(self) -> None:
        """Let the storm pass, then wait until all is well. Raises AssertionError."""
        self.network.weather = self._plan.storm
        for member in self.members:
            self._after_a_while(self._plan.thinks, self._act, member)
            self._after_a_while(self._plan.suffers, self._suffer, member)
        if self._plan.crashes:
            self._crash()
        self.clock.run_until(self._plan.seconds)
        self._stormy, self.network.weather = False, CALM
        while faults := self._faults():
            assert self.clock.now < self._plan.seconds + self._plan.patience, "\n".join(faults)
            self.clock.run_until(self.clock.now + 5)

    def _crash(self) -> None:
        if self._stormy:
            if self.clock.now:
                self.station.crash(self.chance.choice(self._plan.points), 5 * self.chance.random())
            pause = self.chance.expovariate(1 / self._plan.crashes)
            # No storm passes without a crash.
            self.clock.after(min(pause, self._plan.seconds / 3), self._crash)

    def _faults(self) -> list[str]:
        staying = [member for member in self.members if not member.gone]
        found = [fault for member in staying for fault in member.faults()]
        sids = {member.follower.sid for member in staying}
        ghosts = [sid for sid in self.judge.nicks if sid not in sids]
        return found + [f"{sid} is long gone and still here" for sid in ghosts]

    def _after_a_while(self, mean: float, do: object, member: Member) -> None:
        self.clock.after(self.chance.expovariate(1 / mean), do, member)  # type: ignore[arg-type]

    # -- what users do ------------------------------------------------------------------------

    def _act(self, member: Member) -> None:
        if not self._stormy or member.gone:
            return
        if member.online:
            self._act_once(member)
        self._after_a_while(self._plan.thinks, self._act, member)

    def _act_once(self, member: Member) -> None:
        chance = self.chance
        if self._plan.rights and chance.random() < 0.3:
            self._rule(member)
            return
        places = member.speaks_in
        dice = chance.random()
        if not places or dice < 0.1:
            member.join(chance.choice(ROOMS))
        elif dice < 0.25:
            member.change(chance.choice(("say", "react", "edit", "edit", "delete")))
        elif dice < 0.7:
            for _ in range(chance.choice((1, 1, 1, 2, 8))):
                member.say(chance.choice(("say", "say", "act")), room=chance.choice(places))
        elif dice < 0.85:
            member.say("say", to=self._somebody())
        elif dice < 0.9 and not member.leaving:
            member.leave(chance.choice(places))
        elif dice < 0.95:
            member.rename(chance.choice((*NICKS, f"m{member.number}")))
        else:
            member.change_topic(chance.choice(places), f"topic {chance.random()}")

    def _rule(self, member: Member) -> None:
        """Do something with rights, whether one has them or not, or look into private rooms."""
        chance = self.chance
        room = chance.choice(DENS)
        if room not in self.judge.private:
            member.ask(requests.Create(room=room, private=True))
            return
        dice = chance.random()
        if dice < 0.3:
            role = chance.choice(("member", "member", "moderator", "owner", "none"))
            member.rule(requests.Role, room, self._somebody(), role=role)
        elif dice < 0.55:
            member.join(room)
        elif dice < 0.75:
            kind, more = chance.choice(RULES)
            member.rule(kind, chance.choice((*DENS, *ROOMS[1:])), self._somebody(), **more)
        else:
            looks = (
                requests.History(room=room, limit=50),
                requests.History(room=room, after=0, deleted=True),
                requests.Who(room=room),
                requests.Topic(room=room),
                requests.Rooms(),
                requests.Roles(room=room),
                requests.Read(room=room),
                requests.Topic(room=room, text="mine"),
            )
            member.ask(chance.choice(looks))

    def _somebody(self) -> str:
        names = [member.follower.nick or "" for member in self.members]
        return self.chance.choice((*names, *NICKS))

    # -- what happens to them -----------------------------------------------------------------

    def _suffer(self, member: Member) -> None:
        if not self._stormy or member.gone:
            return
        if member.online:
            self._strike(member)
        self._after_a_while(self._plan.suffers, self._suffer, member)

    def _end(self, member: Member) -> None:
        """End a client; what it said last may still be on its way when it comes back."""
        chance = self.chance
        if member.speaks_in:
            for _ in range(chance.choice((0, 3))):
                member.say("say", room=chance.choice(member.speaks_in))
        keeps = chance.choice(("", "all", "session", "file"))
        member.crash(chance.choice((0.1, 1, 10, 35)), keeps=keeps)

    def _strike(self, member: Member) -> None:
        chance = self.chance
        if chance.random() < self._plan.frail:
            self._end(member)
            return
        dice = chance.random()
        if dice < 0.4:
            member.hang_up("the connection broke", chance.random())
        elif dice < 0.65:
            member.flicker()
        elif dice < 0.75:
            member.pause(5 * chance.random())
        elif dice < 0.85:
            member.sleep(chance.choice((1, 10, 35)))
        elif dice < 0.95:
            member.go_away(chance.choice((2, 20, 40)))
        elif dice < 0.97:
            self.station.shift_clock()
        elif dice < 0.98:
            member.die()
