//! Every integration test: one binary, so that it links once.

mod env;
mod look;
mod tcp;
