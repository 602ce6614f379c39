"""What `/metrics` shows (Prometheus text format); every name starts with ``boxship_``."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

registry = CollectorRegistry()
ProcessCollector(registry=registry)

requests = Counter("boxship_requests", "Requests answered.", ["service", "method", "status"], registry=registry)
request_seconds = Histogram("boxship_request_seconds", "Time to answer.", ["service"], registry=registry)
websockets = Gauge("boxship_websockets", "Open WebSockets.", registry=registry)
reconcile_seconds = Histogram("boxship_reconcile_seconds", "Time of one look and step.", ["kind"], registry=registry)
reconcile_failures = Counter("boxship_reconcile_failures", "Unforeseen errors.", ["kind"], registry=registry)


def exposition() -> bytes:
    """The page for a scraper."""
    return generate_latest(registry)
