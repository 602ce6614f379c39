"""Makes volumes and their snapshots real: looks at the storage, takes the planned steps, records what it saw. Never decides."""

from boxship.services.volume.reconciler.backups import BackupReconciler
from boxship.services.volume.reconciler.snapshots import SnapshotReconciler
from boxship.services.volume.reconciler.uploads import UploadReconciler
from boxship.services.volume.reconciler.volumes import VolumeReconciler

__all__ = ["BackupReconciler", "SnapshotReconciler", "UploadReconciler", "VolumeReconciler"]
