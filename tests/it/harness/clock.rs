//! A paused clock for `gate` and its children: a C library that overrides the system's time functions.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::{installed, place};

/// The variable that holds the seconds since 1970.
pub const SECONDS: &str = "TEST_CLOCK_SECONDS";

const SOURCE: &str = r#"
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *to) {
    const char *seconds = getenv("TEST_CLOCK_SECONDS");
    if (id != CLOCK_REALTIME || !seconds) return (int)syscall(SYS_clock_gettime, id, to);
    to->tv_sec = strtoll(seconds, NULL, 10);
    to->tv_nsec = 0;
    return 0;
}
"#;

/// The library, to be loaded first by `LD_PRELOAD`. Compiled on first use.
pub fn library() -> &'static Path {
    let compiler = installed::program("cc"); // before the lock, which a panic would poison
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| compile(&compiler))
}

fn compile(compiler: &Path) -> PathBuf {
    let directory = place::directory("clock");
    let (source, library) = (directory.join("clock.c"), directory.join("clock.so"));
    std::fs::write(&source, SOURCE).expect("the directory is new");
    let output = Command::new(compiler).args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(&source).output();
    let output = output.expect("the compiler is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    library
}
