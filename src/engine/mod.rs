//! When things run: one loop that owns all state, and workers that send it messages.
