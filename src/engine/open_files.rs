//! How many items can run at a time under this process's limit of open files.

use super::JOBS;

/// Raises the limit of open files as far as needed and permitted, and returns how many items fit under it.
pub fn affordable() -> usize {
    /// An item with a program has this many at a time: three pipes with two ends, and two more for its supervisor.
    const EACH: u64 = 8;
    const OWN: u64 = 64;
    let wanted = OWN + EACH * JOBS as u64;
    // SAFETY: both are given a `rlimit` of our own.
    let soft = unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) != 0 {
            return JOBS;
        }
        if limit.rlim_cur < wanted {
            limit.rlim_cur = wanted.min(limit.rlim_max);
            libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
            libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        }
        limit.rlim_cur
    };
    if soft >= wanted { usize::MAX } else { usize::try_from(soft.saturating_sub(OWN) / EACH).unwrap_or(usize::MAX) }
}
