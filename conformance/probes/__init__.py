"""Sources of requests. Probes know the contract and the wire, never what is expected of a reply."""
