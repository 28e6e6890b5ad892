//! Settings of the memory allocator.

/// Takes memory in large steps from one place, and gives none back before the end. A long checklist is a tree of many small
/// values: asking for 128 KiB at a time, glibc takes a tenth of the time that reading it does. What isn't touched costs
/// nothing.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn take_large_steps() {
    const STEP: libc::c_int = 64 << 20;
    // SAFETY: it sets three numbers of the allocator, and is called before other threads begin.
    unsafe {
        libc::mallopt(libc::M_TOP_PAD, STEP);
        libc::mallopt(libc::M_TRIM_THRESHOLD, libc::c_int::MAX);
        // Threads wait, they don't compute: a heap for each costs more than it saves.
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// Other allocators keep their settings.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn take_large_steps() {}
