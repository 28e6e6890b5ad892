//! Every integration test: one binary, so that it links once.
