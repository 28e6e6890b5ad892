//! Programs as an installation leaves them: copied.
//!
//! The kernel keeps a file that a linker has written in small pieces, and one that was copied in large ones, which are
//! mapped with fewer page faults: of a short run, that is a fifth of the time.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::harness::directory;

/// The copy of a program, made once.
pub fn installed(program: &Path) -> PathBuf {
    static COPIES: LazyLock<Mutex<HashMap<PathBuf, PathBuf>>> = LazyLock::new(Mutex::default);
    let mut copies = COPIES.lock().unwrap_or_else(PoisonError::into_inner);
    let copy = copies.entry(program.to_owned()).or_insert_with(|| {
        let name = program.file_name().expect("a program is a file");
        let copy = directory("installed").join(name);
        fs::copy(program, &copy).unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        copy
    });
    copy.clone()
}
