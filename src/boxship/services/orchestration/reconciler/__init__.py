"""Makes stacks real: takes the planned steps of their resources and records what came of them. Never decides."""

from boxship.services.orchestration.reconciler.stacks import StackReconciler

__all__ = ["StackReconciler"]
