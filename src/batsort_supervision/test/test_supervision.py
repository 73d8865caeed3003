"""The supervisor's decisions: bring-up in order, holding when a member is gone, going on."""

from dataclasses import replace

import pytest

from batsort_core.trouble import Trouble
from batsort_supervision.links import Links
from batsort_supervision.packml import Command, IllegalTransition, State
from batsort_supervision.supervision import Step, Supervision, Transition

MEMBERS = ("twin", "belt", "camera", "ejector")
MANAGED = frozenset({"camera", "ejector"})


class Cell:
    """Members that beat twice a second and take the steps they are asked for."""

    def __init__(self, autostart: bool = True, resume: bool = False) -> None:
        self.supervision = Supervision(
            members=MEMBERS,
            managed=MANAGED,
            silence_s=1.5,
            bringup_s=30.0,
            coast_s=2.0,
            autostart=autostart,
            resume=resume,
        )
        self.names = [*MEMBERS]
        self.stages = {name: "unconfigured" if name in MANAGED else "" for name in MEMBERS}
        self.faults: dict[str, Trouble | None] = dict.fromkeys(MEMBERS)
        self.links = dict.fromkeys(MEMBERS, Links())
        self.dead: set[str] = set()
        self.refusing: set[str] = set()
        self.asked: list[Transition] = []
        self.pressed: bool | None = None
        self.t = 0.0

    def add_helper(self, name: str) -> None:
        self.supervision = replace(self.supervision, helpers=frozenset({name}))
        self.names.append(name)
        self.stages[name], self.faults[name], self.links[name] = "unconfigured", None, Links()

    @property
    def state(self) -> State:
        return self.supervision.packml.state

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.5)):
            self.t += 0.5
            if self.pressed is not None:
                self.supervision.estop(self.t, self.pressed, "PLC input 7")
            for name in self.names:
                if name not in self.dead:
                    self.supervision.heartbeat(
                        self.t, name, self.stages[name], self.faults[name], self.links[name]
                    )
            for transition in self.supervision.step(self.t):
                self.asked.append(transition)
                self.take(transition)

    def take(self, transition: Transition) -> None:
        if transition.name in self.dead:
            return
        good = transition.name not in self.refusing
        if good:
            done = "inactive" if transition.step is Step.CONFIGURE else "active"
            self.stages[transition.name] = done
        self.supervision.transition_done(transition.name, good)


def test_managed_members_come_up_one_after_another_in_order() -> None:
    cell = Cell()
    cell.run(5)
    assert cell.asked == [
        Transition("camera", Step.CONFIGURE),
        Transition("camera", Step.ACTIVATE),
        Transition("ejector", Step.CONFIGURE),
        Transition("ejector", Step.ACTIVATE),
    ]
    assert cell.state is State.EXECUTE
    assert not cell.supervision.cure


def test_nothing_begins_without_a_witness_and_nothing_ends_with_it() -> None:
    cell = Cell()
    cell.supervision = Supervision(
        MEMBERS, MANAGED, 1.5, 30.0, 2.0, True, False, witnesses=frozenset({"recorder"})
    )
    cell.run(5)
    assert cell.asked == []
    assert cell.supervision.reason == "recorder has not come up"
    for _ in range(10):
        cell.supervision.heartbeat(cell.t, "recorder", "", "")
        cell.run(0.5)
    assert cell.state is State.EXECUTE
    cell.supervision.heartbeat(cell.t, "recorder", "", "the disk is full")
    cell.run(5)
    assert cell.state is State.EXECUTE


def test_a_step_is_not_asked_for_twice_while_the_heartbeat_lags_behind() -> None:
    supervision = Cell().supervision
    for name in MEMBERS:
        stage = "inactive" if name == "camera" else "active" if name == "ejector" else ""
        supervision.heartbeat(0.0, name, stage, "")
    assert supervision.step(0.0) == [Transition("camera", Step.ACTIVATE)]
    supervision.transition_done("camera", True)
    assert supervision.step(0.1) == []
    supervision.heartbeat(0.2, "camera", "inactive", "")
    assert supervision.step(0.2) == []
    supervision.heartbeat(0.3, "camera", "active", "")
    supervision.step(0.3)
    assert supervision.packml.state is State.EXECUTE


def test_without_autostart_the_cell_waits_stopped_for_reset_and_start() -> None:
    cell = Cell(autostart=False)
    cell.run(5)
    assert cell.state is State.STOPPED
    cell.supervision.command(Command.RESET, "")
    cell.run(0.5)
    assert cell.state is State.IDLE
    cell.supervision.command(Command.START, "")
    cell.run(0.5)
    assert cell.state is State.EXECUTE


@pytest.mark.parametrize("name", MEMBERS)
def test_a_member_that_is_gone_holds_the_cell_and_is_named(name: str) -> None:
    cell = Cell()
    cell.run(5)
    cell.dead.add(name)
    cell.run(3)
    assert cell.state is State.HELD
    assert cell.supervision.reason.startswith(f"{name} is gone")
    assert cell.supervision.cure


@pytest.mark.parametrize("resume", [True, False])
def test_a_member_that_comes_back_is_brought_up_and_the_cell_resumes_only_where_told(
    resume: bool,
) -> None:
    cell = Cell(resume=resume)
    cell.run(5)
    cell.dead.add("ejector")
    cell.run(3)
    cell.dead.clear()
    cell.stages["ejector"] = "unconfigured"
    cell.run(3)
    assert cell.stages["ejector"] == "active"
    assert cell.state is (State.EXECUTE if resume else State.HELD)
    cell.supervision.command(Command.UNHOLD, "") if not resume else None
    cell.run(0.5)
    assert cell.state is State.EXECUTE


def test_nothing_moves_before_every_member_is_heard_by_those_who_listen_to_it() -> None:
    cell = Cell()
    readers = frozenset({"its killed predecessor"})
    cell.links["twin"] = Links("t", frozenset(), {"camera/source": readers})
    cell.links["camera"] = Links("c", frozenset({"camera/source"}))
    cell.run(5)
    assert cell.state is State.STOPPED
    assert cell.supervision.reason == "twin: camera does not hear camera/source"
    cell.links["twin"] = Links("t", frozenset(), {"camera/source": readers | {"c"}})
    cell.run(0.5)
    assert cell.state is State.EXECUTE


def test_a_respawn_too_quick_to_be_missed_is_still_brought_up() -> None:
    cell = Cell(resume=True)
    cell.run(5)
    cell.stages["camera"] = "unconfigured"
    cell.run(0.5)
    assert cell.state in (State.HELD, State.HOLDING)
    cell.run(2)
    assert cell.stages["camera"] == "active"
    assert cell.state is State.EXECUTE


def test_a_hold_by_the_operator_does_not_end_by_itself() -> None:
    cell = Cell(resume=True)
    cell.run(5)
    cell.supervision.command(Command.HOLD, "held by the operator")
    cell.run(20)
    assert cell.state is State.HELD


def test_holding_lasts_until_the_belt_stands_or_should() -> None:
    cell = Cell()
    cell.run(5)
    cell.supervision.belt(True)
    cell.supervision.command(Command.HOLD, "")
    cell.run(0.5)
    assert cell.state is State.HOLDING
    cell.supervision.belt(False)
    cell.run(0.5)
    assert cell.state is State.HELD


def test_a_silent_belt_does_not_keep_the_cell_holding_for_ever() -> None:
    cell = Cell()
    cell.run(5)
    cell.supervision.belt(True)
    cell.dead.add("belt")
    cell.run(5)
    assert cell.state is State.HELD


SILENT = Trouble("no encoder count for 0.6 s", "check the encoder")
STUCK = Trouble("valve 3 is stuck open", "mend it", lasting=True)
FULL = Trouble("klarus is full", "put a new bag there", outside=True)


@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize("trouble", [SILENT, STUCK, FULL])
def test_trouble_holds_or_suspends_and_goes_on_by_itself_only_where_nobody_has_to_look(
    trouble: Trouble, resume: bool
) -> None:
    cell = Cell(resume=resume)
    cell.run(5)
    cell.faults["belt"] = trouble
    cell.run(1)
    assert cell.state is (State.SUSPENDED if trouble.outside else State.HELD)
    assert cell.supervision.reason == f"belt: {trouble.cause}"
    assert cell.supervision.cure == trouble.cure
    cell.faults["belt"] = None
    cell.run(1)
    assert cell.supervision.moved == trouble.lasting
    goes_on = trouble.outside or (resume and not trouble.lasting)
    assert (cell.state is State.EXECUTE) == goes_on
    assert (cell.supervision.reason == "") == goes_on


@pytest.mark.parametrize("command", [Command.HOLD, Command.STOP])
def test_what_needs_a_look_while_an_operator_has_stopped_the_belt_leaves_nothing_tracked(
    command: Command,
) -> None:
    cell = Cell()
    cell.run(5)
    cell.supervision.belt(True)
    cell.supervision.command(command, "by hand")
    cell.faults["belt"] = STUCK
    cell.run(1)
    cell.supervision.belt(False)
    cell.faults["belt"] = None
    cell.run(1)
    assert cell.state in (State.HELD, State.STOPPED)
    assert cell.supervision.moved


def test_what_needs_a_look_holds_also_where_it_shows_amid_other_trouble() -> None:
    cell = Cell(resume=True)
    cell.run(5)
    cell.faults["camera"] = FULL
    cell.run(1)
    cell.faults["belt"] = SILENT
    cell.run(1)
    assert cell.state is State.HELD
    assert cell.supervision.reason == f"belt: {SILENT.cause}"
    cell.faults |= {"belt": STUCK, "camera": None}
    cell.run(1)
    cell.faults["belt"] = None
    cell.run(5)
    assert cell.state is State.HELD
    cell.supervision.command(Command.UNHOLD, "")
    cell.run(1)
    assert cell.state is State.EXECUTE


def test_a_hold_for_trouble_that_goes_on_stops_the_belt_first_and_is_then_held() -> None:
    cell = Cell()
    cell.run(5)
    cell.supervision.belt(True)
    cell.faults["belt"] = SILENT
    cell.run(1)
    assert cell.state is State.HOLDING
    cell.run(2)
    assert cell.state is State.HELD


def test_an_emergency_stop_aborts_and_its_release_starts_nothing() -> None:
    cell = Cell(resume=True)
    cell.run(5)
    cell.pressed = True
    cell.run(1)
    assert cell.state is State.ABORTED
    assert cell.supervision.moved
    assert "PLC input 7" in cell.supervision.reason and "release" in cell.supervision.cure
    with pytest.raises(IllegalTransition, match="PLC input 7"):
        cell.supervision.command(Command.CLEAR, "")
    cell.pressed = False
    cell.run(1)
    assert cell.state is State.ABORTED
    for command, state in (
        (Command.CLEAR, State.STOPPED),
        (Command.RESET, State.IDLE),
        (Command.START, State.EXECUTE),
    ):
        cell.supervision.command(command, "")
        cell.run(0.5)
        assert cell.state is state


def test_an_emergency_stop_that_falls_silent_holds_the_cell() -> None:
    cell = Cell(resume=True)
    cell.run(5)
    cell.supervision.estop(cell.t, False, "")
    cell.run(3)
    assert cell.state is State.HELD
    assert cell.supervision.reason == "the emergency stop is not heard"


def test_start_is_refused_while_a_member_is_gone_and_nothing_changes() -> None:
    cell = Cell()
    cell.run(5)
    cell.dead.add("belt")
    cell.run(3)
    with pytest.raises(IllegalTransition, match="belt is gone"):
        cell.supervision.command(Command.UNHOLD, "")
    assert cell.state is State.HELD


def test_a_member_that_refuses_fails_the_bring_up_by_name() -> None:
    cell = Cell()
    cell.refusing.add("camera")
    cell.run(2)
    assert cell.supervision.failed.startswith("camera refused to configure")


def test_a_member_that_never_comes_fails_the_bring_up_after_its_time() -> None:
    cell = Cell()
    cell.dead.add("belt")
    cell.run(20)
    assert not cell.supervision.failed
    cell.run(15)
    assert cell.supervision.failed.startswith("belt has not come up")
    assert cell.state is State.STOPPED


def test_members_of_another_cell_are_not_heard() -> None:
    cell = Cell()
    cell.run(5)
    cell.supervision.heartbeat(cell.t, "stranger", "", Trouble("on fire", "run"))
    cell.run(1)
    assert cell.state is State.EXECUTE


def test_a_helper_is_brought_up_last_warned_of_when_it_is_gone_and_brought_up_again() -> None:
    cell = Cell()
    cell.add_helper("reader")
    cell.run(1.0)
    assert cell.state is State.STOPPED
    cell.run(5.0)
    assert cell.state is State.EXECUTE
    assert cell.asked[-1] == Transition("reader", Step.ACTIVATE)
    assert cell.supervision.warnings == []
    cell.dead.add("reader")
    cell.run(5.0)
    assert cell.state is State.EXECUTE
    assert cell.supervision.warnings == [
        "reader is gone (not heard for 1.5 s); the cell sorts on without"
    ]
    cell.dead.clear()
    cell.stages["reader"] = "unconfigured"
    cell.run(0.5)
    assert cell.supervision.warnings == ["reader is unconfigured; the cell sorts on without"]
    cell.run(3.0)
    assert cell.stages["reader"] == "active" and cell.supervision.warnings == []


def test_a_helper_s_trouble_and_links_hold_nothing_and_keep_no_other_from_coming_up() -> None:
    cell = Cell(resume=True)
    cell.add_helper("reader")
    cell.run(6.0)
    cell.faults["reader"] = Trouble("belt/state is not heard", "see the belt node")
    cell.refusing.add("reader")
    cell.stages["reader"] = "unconfigured"
    cell.run(3.0)
    assert cell.state is State.EXECUTE
    assert cell.supervision.warnings == ["reader refused to configure; the cell sorts on without"]
    cell.stages["camera"] = "unconfigured"
    cell.run(4.0)
    assert cell.stages["camera"] == "active" and cell.state is State.EXECUTE


def test_a_helper_that_refuses_at_the_start_is_a_refusal_of_the_cell() -> None:
    cell = Cell()
    cell.add_helper("reader")
    cell.refusing.add("reader")
    cell.run(6.0)
    assert cell.supervision.failed.startswith("reader refused to configure")
