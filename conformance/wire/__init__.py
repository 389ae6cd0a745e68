"""Bytes in and out: exchange values, the event-stream decoder, the client, redaction."""
