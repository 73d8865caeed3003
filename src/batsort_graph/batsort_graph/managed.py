"""A lifecycle node whose steps say in one line why they can't be taken."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import ChangeState
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from batsort_core.trouble import Trouble
from batsort_files.documents import ConfigurationError
from batsort_graph.heartbeat import Health, Heartbeat
from batsort_graph.topics import subscription


class ManagedNode(LifecycleNode):
    """Override `configure`, `activate` and `cleanup`; `stage` names the state.

    What it listens to by `listen` ends with the active state: an inactive node does nothing.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.stage = "unconfigured"
        self._listening: list[Any] = []
        self._heartbeat: Heartbeat | None = None
        for service in self.services:
            if service.srv_type is ChangeState:
                service.callback = _refusing(service.callback)

    def start_heartbeat(self, health: Callable[[], Health]) -> None:
        """Be heard from now on, and at once after each lifecycle step."""
        self._heartbeat = Heartbeat(self, health, lambda: self.stage)

    def tell(self, fault: Trouble | None) -> None:
        """Be heard at once where this is news."""
        if self._heartbeat is not None:
            self._heartbeat.tell(fault)

    def listen(self, topic: str, callback: Callable[[Any], None]) -> None:
        """Subscribe to a topic of the table until the node is deactivated."""
        self._listening.append(subscription(self, topic, callback))

    def configure(self) -> None:
        """Acquire the resources.

        Raises:
            ConfigurationError: the node can't run with what it was told.
        """

    def activate(self) -> None:
        """Begin to work: make fresh state and `listen`.

        Raises:
            ConfigurationError: as `configure`.
        """

    def cleanup(self) -> None:
        """Release the resources."""

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        taken = self._take(self.configure)
        if taken is not TransitionCallbackReturn.SUCCESS:
            return taken
        self._reach("inactive")
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        taken = self._take(self.activate)
        if taken is not TransitionCallbackReturn.SUCCESS:
            return taken
        self._reach("active")
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._stop_listening()
        self._reach("inactive")
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        self.cleanup()
        self._reach("unconfigured")
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        if state.state_id == State.PRIMARY_STATE_ACTIVE:
            self._stop_listening()
        if state.state_id != State.PRIMARY_STATE_UNCONFIGURED:
            self.cleanup()
        self._reach("finalized")
        return super().on_shutdown(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """A step from `state` broke off: what was acquired before it is released."""
        self._stop_listening()
        if state.state_id != State.PRIMARY_STATE_UNCONFIGURED:
            self.cleanup()
        self._reach("unconfigured")
        return super().on_error(state)

    def _take(self, step: Callable[[], None]) -> TransitionCallbackReturn:
        try:
            step()
        except ConfigurationError as error:
            self.get_logger().error(str(error))
            return TransitionCallbackReturn.FAILURE
        except Exception:
            # rclpy itself would not say a word of it.
            self.get_logger().error(traceback.format_exc())
            return TransitionCallbackReturn.ERROR
        return TransitionCallbackReturn.SUCCESS

    def _stop_listening(self) -> None:
        while self._listening:
            self.destroy_subscription(self._listening.pop())

    def _reach(self, stage: str) -> None:
        self.stage = stage
        if self._heartbeat is not None:
            self._heartbeat.beat()


def _refusing(change: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """A step that the state does not have is refused: in Jazzy it ends the node (rclpy#1209)."""

    def refuse(request: ChangeState.Request, response: ChangeState.Response) -> Any:
        try:
            return change(request, response)
        except RuntimeError:
            # rcl has told the step and the state in the log.
            response.success = False
            return response

    return refuse
