"""Brings the members of a cell up in order, watches them, and holds the cell when one is gone.

Pure: the caller tells what it hears with a steady time in seconds, and carries out what `step`
asks for. States are those of ISA-TR88 (`packml`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from batsort_core.trouble import Trouble
from batsort_supervision.links import Links, broken
from batsort_supervision.packml import Command, IllegalTransition, PackML, State, belt_enabled


class Step(StrEnum):
    """What a managed member can be asked to do (ROS 2 lifecycle transitions)."""

    CONFIGURE = "configure"
    ACTIVATE = "activate"


_NEXT_STEP = {"unconfigured": Step.CONFIGURE, "inactive": Step.ACTIVATE}
_RUNNING = (State.EXECUTE, State.SUSPENDING, State.SUSPENDED)
_ABORTED = (State.ABORTING, State.ABORTED)
NO_LINKS = Links()
"""Of a member that tells none."""


@dataclass(frozen=True, slots=True)
class Transition:
    """Ask member `name` to take a lifecycle step."""

    name: str
    step: Step


@dataclass(slots=True)
class _Member:
    managed: bool
    heard: float | None = None
    trouble: Trouble | None = None
    stage: str = ""
    asked: float | None = None
    refused: str = ""
    links: Links = NO_LINKS


@dataclass(slots=True)
class Supervision:
    """The supervisor's decisions.

    Args:
        members: names in bring-up order.
        managed: those of them that have a lifecycle.
        silence_s: a member not heard for so long is gone [s].
        bringup_s: from the first step until every member must be up [s].
        coast_s: longest time from commanding a stop until the belt counts as standing [s].
        autostart: start sorting once every member is up for the first time.
        resume: after a hold for trouble that does not last, go on when it is over.
        witnesses: names of those without which nothing begins, but the cell sorts on.
        helpers: names of managed ones without which nothing begins, but the cell sorts on; they are
            brought up again.
    """

    members: Iterable[str]
    managed: frozenset[str]
    silence_s: float
    bringup_s: float
    coast_s: float
    autostart: bool
    resume: bool
    witnesses: frozenset[str] = frozenset()
    helpers: frozenset[str] = frozenset()
    packml: PackML = field(default_factory=PackML)
    moved: bool = False
    """Somebody had to look since the belt stood: what lies on it may have been moved."""
    reason: str = "starting up"
    cure: str = ""
    failed: str = ""
    _members: dict[str, _Member] = field(init=False)
    _began: float | None = None
    _now: float = 0.0
    _was_up: bool = False
    _waiting: bool = False
    """Held or suspended for trouble after which the cell goes on by itself."""
    _estop: tuple[float, bool, str] | None = None
    _autostarting: bool = False
    _belt_moving: bool = False
    _acting_since: float | None = None

    def __post_init__(self) -> None:
        managed = self.managed | self.helpers
        names = (*self.members, *sorted(self.helpers), *self.witnesses)
        self._members = {name: _Member(name in managed) for name in names}

    def heartbeat(
        self, t: float, name: str, stage: str, trouble: Trouble | None, links: Links = NO_LINKS
    ) -> None:
        """A member was heard: its lifecycle stage ('' without one), its trouble and its links."""
        member = self._members.get(name)
        if member is None:
            return
        self._now = t
        if self._silent(member) or stage != member.stage:
            member.asked = None
        if stage == "unconfigured" and member.stage in ("inactive", "active"):
            member.refused = ""  # a new process: it has refused nothing yet
        member.heard, member.stage, member.trouble, member.links = t, stage, trouble, links

    def transition_done(self, name: str, ok: bool) -> None:
        """A lifecycle step that was asked for has ended; its heartbeat tells where it is now."""
        member = self._members[name]
        if not ok:
            member.asked = None
            member.refused = f"{name} refused to {_NEXT_STEP.get(member.stage, 'change')}"

    def transition_withdrawn(self, name: str) -> None:
        """A lifecycle step could not be asked for; `step` may ask again."""
        self._members[name].asked = None

    def belt(self, moving: bool) -> None:
        """Whether the belt moves, as last heard."""
        self._belt_moving = moving

    def estop(self, t: float, pressed: bool, source: str) -> None:
        """The emergency stop was heard. Pressed, it aborts; released, it starts nothing."""
        self._estop = (t, pressed, source)
        if not pressed:
            return
        if self.packml.state not in _ABORTED:
            self.packml.command(Command.ABORT)
            self._waiting = self._autostarting = False
            self.moved = True
            self._acting_since = None
        self.reason = f"the emergency stop is pressed ({source})"
        self.cure = "make the cell safe, release it, then clear, reset and start"

    def command(self, command: Command, reason: str) -> None:
        """An operator's command.

        Raises:
            IllegalTransition: not allowed in this state, the emergency stop is pressed, or
                something keeps the cell from sorting; nothing changed.
        """
        if self._estop is not None and self._estop[1] and command is Command.CLEAR:
            raise IllegalTransition(f"{command} is not possible: {self.reason}; {self.cure}")
        trouble = self.trouble()
        if trouble and command in (Command.START, Command.UNHOLD, Command.RESET):
            if command is Command.RESET:
                for member in self._members.values():
                    member.refused = ""
            raise IllegalTransition(f"{command} is not possible: {trouble}")
        self.packml.command(command)
        if command in (Command.HOLD, Command.ABORT):
            self.moved = command is Command.ABORT
        self._waiting = False
        self.reason, self.cure = reason, ""
        self._acting_since = None

    def trouble(self) -> Trouble | None:
        """What keeps the cell from sorting; of several causes the one to mend first."""
        if self._estop is not None and self._now - self._estop[0] > self.silence_s:
            return Trouble(
                "the emergency stop is not heard", "check its input and driver", lasting=True
            )
        # A helper that is gone later is warned of.
        members = {
            name: member
            for name, member in self._members.items()
            if not (self._was_up and name in self.helpers)
        }
        for name, member in members.items():
            absent = self._absent(name, member)
            if absent is not None:
                return absent
        for name, member in members.items():
            if member.managed and member.stage != "active":
                cure = f"wait until {name} is active, or see its log"
                return Trouble(f"{name} is {member.stage}", cure)
        told = [(name, m.trouble) for name, m in members.items() if m.trouble]
        link = broken({name: member.links for name, member in members.items()})
        if link:
            topic, publisher, listener = link
            cure = f"wait, or start {listener} again where it lasts"
            told.append((publisher, Trouble(f"{listener} does not hear {topic}", cure)))
        # What is inside the cell comes first: mending what is outside would not start it.
        for name, trouble in sorted(told, key=lambda pair: pair[1].outside):
            return replace(trouble, cause=f"{name}: {trouble.cause}")
        return None

    def _absent(self, name: str, member: _Member) -> Trouble | None:
        """Why a member is not there."""
        if member.refused:
            cure = f"see the log of {name}, mend its configuration, then reset"
            return Trouble(member.refused, cure)
        if member.heard is None:
            return Trouble(f"{name} has not come up", f"see the log of {name}, or start it")
        if self._silent(member):
            return Trouble(
                f"{name} is gone (not heard for {self.silence_s:g} s)",
                f"start {name} again, then start the cell",
            )
        return None

    @property
    def warnings(self) -> list[str]:
        """What the cell does without, though somebody asked for it."""
        found = []
        for name in sorted(self.helpers if self._was_up else ()):
            member = self._members[name]
            absent = self._absent(name, member)
            if absent is not None:
                found.append(f"{absent.cause}; the cell sorts on without")
            elif member.stage != "active":
                found.append(f"{name} is {member.stage}; the cell sorts on without")
        return found

    def _silent(self, member: _Member) -> bool:
        return member.heard is not None and self._now - member.heard > self.silence_s

    def step(self, t: float) -> list[Transition]:
        """Take the decisions that are due; returns the lifecycle steps to ask for now."""
        if self._began is None:
            self._began = t
        self._now = t
        trouble = self.trouble()
        if trouble is None:
            if not self._was_up:
                self._was_up = True
                for name in self.witnesses:
                    del self._members[name]
                self.reason, self.cure = "", ""
                if self.autostart and self.packml.state is State.STOPPED:
                    self.packml.command(Command.RESET)
                    self._autostarting = True
            elif self._waiting:
                self._go_on()
        elif not self._was_up:
            self.reason, self.cure = trouble.cause, trouble.cure
            refused = any(member.refused for member in self._members.values())
            if refused or t - self._began > self.bringup_s:
                self.failed = str(trouble)
        else:
            self._stand(trouble)
        self._complete(t)
        return self._due(t)

    def _stand(self, trouble: Trouble) -> None:
        """Hold the cell, or suspend it where the cause is outside."""
        state = self.packml.state
        if trouble.outside and state is State.EXECUTE:
            self.packml.command(Command.SUSPEND)
            self._waiting, self.moved = True, False
        elif not trouble.outside and state in _RUNNING:
            self.packml.command(Command.HOLD)
            self._waiting, self.moved = self.resume and not trouble.lasting, trouble.lasting
        elif not self._waiting or state is State.SUSPENDED:
            self.moved |= trouble.lasting
            return
        elif trouble.lasting:
            self._waiting, self.moved = False, True
        if self.packml.state is not state:
            self._acting_since = None
        self.reason, self.cure = trouble.cause, trouble.cure

    def _go_on(self) -> None:
        """The trouble is over, and nobody has to look first."""
        if self.packml.state is State.HELD:
            self.packml.command(Command.UNHOLD)
        elif self.packml.state is State.SUSPENDED:
            self.packml.command(Command.UNSUSPEND)
        else:
            return
        self._waiting = False
        self.reason, self.cure = "", ""

    def _complete(self, t: float) -> None:
        """End the acting states, those that stop the belt only when it stands."""
        while self.packml.acting:
            if self._acting_since is None:
                self._acting_since = t
            coasting = self._belt_moving and t - self._acting_since < self.coast_s
            if coasting and not belt_enabled(self.packml.state):
                return
            self.packml.complete()
            self._acting_since = None
            if self._autostarting and self.packml.state is State.IDLE:
                self.packml.command(Command.START)
                self._autostarting = False

    def _due(self, t: float) -> list[Transition]:
        """The next lifecycle step of the first member that is not active, one at a time."""
        if any(member.heard is None for member in self._members.values()):
            return []
        for name, member in self._members.items():
            if not member.managed or member.stage == "active":
                continue
            if name in self.helpers and (member.refused or self._silent(member)):
                continue
            if member.refused or self._silent(member):
                return []
            if member.asked is not None and t - member.asked < self.bringup_s:
                return []
            step = _NEXT_STEP.get(member.stage)
            if step is None:
                return []
            member.asked = t
            return [Transition(name, step)]
        return []
