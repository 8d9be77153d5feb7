"""The worker: attribution and delivery as Faust agents on Kafka."""

from streams.worker.process import Part, run_worker

__all__ = ["Part", "run_worker"]
