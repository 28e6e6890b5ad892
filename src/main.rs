//! Builds the runtime, calls the library, exits.

fn main() {}
