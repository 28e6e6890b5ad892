//! Builds the runtime, calls the library, exits.

use std::process::ExitCode;

fn main() -> ExitCode {
    // One crypto provider for all: it is installed already only if this were called twice.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // One thread: probes wait and don't compute, and it is faster than two.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime needs no more than a few file descriptors");
    let exit = runtime.block_on(gate::cli::main(std::env::args_os()));
    // Work that a probe left on a thread, such as a slow name lookup, is not waited for.
    runtime.shutdown_background();
    exit
}
