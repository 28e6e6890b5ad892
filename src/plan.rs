//! Items → tasks in order: needs, cycles, selection, locks.
