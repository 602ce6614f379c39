"""Makes shares and their snapshots real: looks at the world, takes the planned steps, records what it saw. Never decides."""

from boxship.services.share.reconciler.shares import ShareReconciler
from boxship.services.share.reconciler.snapshots import SnapshotReconciler

__all__ = ["ShareReconciler", "SnapshotReconciler"]
