"""The reconcilers of the image service, a module per kind."""

from boxship.services.image.reconciler.images import ImageReconciler
from boxship.services.image.reconciler.imports import ImportReconciler

__all__ = ["ImageReconciler", "ImportReconciler"]
