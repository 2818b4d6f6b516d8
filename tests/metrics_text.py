"""Reads what `/metrics` says with Prometheus' own parser."""

from prometheus_client.parser import text_string_to_metric_families

Labels = tuple[tuple[str, str], ...]


def samples_of(text: str) -> dict[tuple[str, Labels], float]:
    """Return values by name and sorted labels; a sample that stands twice is an error."""
    found: dict[tuple[str, Labels], float] = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation, f"{family.name} has no explanation"
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            assert key not in found, key
            found[key] = sample.value
    return found
