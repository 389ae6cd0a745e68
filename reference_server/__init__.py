"""The reference server: it conforms, and it can commit named faults."""
