//! Runs of plans whose probes are made for the test: what happens when.
