//! The process that is between us and a program that we run, so that nothing which the program starts is left.
//!
//! It is a copy of this process that never executes anything: it waits for the program, reports its status, ends what
//! is left of its descendants, and is gone. On Linux it is their subreaper: a process that loses its parent (a
//! background job, a double fork, `setsid`, `nohup`) becomes its child, so that killing children until there are none
//! ends them all. Elsewhere it ends the program's process group, which `setsid` escapes.
//!
//! It lives in a fork of a program with threads, where only async-signal-safe calls are allowed: no allocation, no
//! locks, no panic.

use std::ffi::c_int;
use std::io;
use std::os::fd::RawFd;
use std::ptr;

/// How long to retry killing processes that don't end, such as one that waits for a missing disk or runs as another
/// user.
const SWEEP_S: i64 = 1;

/// Splits off the supervisor. It returns in the program to be, and never in the supervisor.
///
/// `control` is a pipe that nothing is written to: when its other end closes, everything is ended. `status` takes the
/// four bytes of the program's wait status, and closes when nothing is left.
///
/// # Safety
/// Only between fork and exec: for `CommandExt::pre_exec`. Both descriptors are open.
pub unsafe fn split(control: RawFd, status: RawFd) -> io::Result<()> {
    // SAFETY: all are async-signal-safe, and given what they want.
    unsafe {
        // Ctrl-C at the terminal is for us to pass on: it should reach neither of the two.
        libc::setpgid(0, 0);
        #[cfg(target_os = "linux")]
        if libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1 as libc::c_ulong) != 0 {
            return Err(io::Error::last_os_error());
        }
        match libc::fork() {
            -1 => Err(io::Error::last_os_error()),
            0 => {
                // A session of its own has no terminal, so that no program can prompt for a password and wait.
                libc::setsid();
                #[cfg(target_os = "linux")]
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong);
                Ok(())
            }
            main => supervise(main, control, status),
        }
    }
}

/// # Safety
/// As for [`split`].
unsafe fn supervise(main: libc::pid_t, control: RawFd, status: RawFd) -> ! {
    // SAFETY: as above; the sets are initialised before they are read.
    unsafe {
        let mut all: libc::sigset_t = std::mem::zeroed();
        libc::sigfillset(&raw mut all);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const all, ptr::null_mut());
        // `pselect` lets in the one signal that says that a child has ended.
        let mut mask = all;
        libc::sigdelset(&raw mut mask, libc::SIGCHLD);
        let mut action: libc::sigaction = std::mem::zeroed();
        let ignore: extern "C" fn(c_int) = woken;
        action.sa_sigaction = ignore as usize;
        libc::sigaction(libc::SIGCHLD, &raw const action, ptr::null_mut());
        keep_only(control, status);

        loop {
            if let Some(end) = collect(main) {
                let bytes = end.to_ne_bytes();
                libc::write(1, bytes.as_ptr().cast(), bytes.len());
                break;
            }
            let mut readable: libc::fd_set = std::mem::zeroed();
            libc::FD_ZERO(&raw mut readable);
            libc::FD_SET(0, &raw mut readable);
            let null = ptr::null_mut();
            if libc::pselect(1, &raw mut readable, null, null, ptr::null(), &raw const mask) > 0 {
                break; // the other end of `control` has closed
            }
        }
        sweep(main, &mask);
        libc::_exit(0)
    }
}

/// Makes `control` 0 and `status` 1, and closes all others: the pipes of the program and of its siblings among them,
/// whose readers wait for the last writer to go.
///
/// # Safety
/// As for [`split`].
unsafe fn keep_only(control: RawFd, status: RawFd) {
    // SAFETY: both are open and above 2, as the runtime opens 0, 1 and 2 before main.
    unsafe {
        libc::dup2(control, 0);
        libc::dup2(status, 1);
        #[cfg(target_os = "linux")]
        if libc::syscall(libc::SYS_close_range, 2, libc::c_uint::MAX, 0) == 0 {
            return;
        }
        for descriptor in 2..libc::sysconf(libc::_SC_OPEN_MAX).clamp(256, 65_536) {
            libc::close(descriptor as c_int);
        }
    }
}

/// Collects the children that have ended; gives the wait status of `main` if it is one of them.
///
/// # Safety
/// As for [`split`].
unsafe fn collect(main: libc::pid_t) -> Option<c_int> {
    loop {
        let mut end = 0;
        // SAFETY: the status is written to our own variable.
        match unsafe { libc::waitpid(-1, &raw mut end, libc::WNOHANG) } {
            pid if pid == main => return Some(end),
            pid if pid > 0 => {}
            _ => return None,
        }
    }
}

/// Ends every child until there is none, for a while.
///
/// # Safety
/// As for [`split`].
unsafe fn sweep(main: libc::pid_t, mask: &libc::sigset_t) {
    // SAFETY: each writes to our own variables alone.
    unsafe {
        let mut start: libc::timespec = std::mem::zeroed();
        libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut start);
        loop {
            if !kill_children() {
                libc::kill(-main, libc::SIGKILL);
            }
            loop {
                match libc::waitpid(-1, ptr::null_mut(), libc::WNOHANG) {
                    -1 => return, // no child is left
                    0 => break,
                    _ => {}
                }
            }
            let mut now: libc::timespec = std::mem::zeroed();
            libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now);
            if now.tv_sec - start.tv_sec > SWEEP_S {
                return;
            }
            let pause = libc::timespec { tv_sec: 0, tv_nsec: 1_000_000 };
            let null = ptr::null_mut();
            libc::pselect(0, null, null, null, &raw const pause, mask);
        }
    }
}

/// Without a list of children, the process group is killed.
#[cfg(not(target_os = "linux"))]
fn kill_children() -> bool {
    false
}

/// Kills each child once. What they leave behind becomes our child then. Whether there is a list of children.
///
/// # Safety
/// As for [`split`].
#[cfg(target_os = "linux")]
unsafe fn kill_children() -> bool {
    let mut text = [0_u8; 4096];
    // SAFETY: the path ends in NUL, and no more is read than there is room for.
    let length = unsafe {
        let file = libc::open(c"/proc/thread-self/children".as_ptr(), libc::O_RDONLY);
        if file < 0 {
            return false;
        }
        let length = libc::read(file, text.as_mut_ptr().cast(), text.len());
        libc::close(file);
        length
    };
    // Each number ends in a blank: the last one, if it is cut off, is left for the next time.
    let mut pid: libc::pid_t = 0;
    for byte in text.iter().take(usize::try_from(length).unwrap_or(0)) {
        if byte.is_ascii_digit() {
            pid = pid.wrapping_mul(10).wrapping_add(libc::pid_t::from(byte - b'0'));
        } else {
            if pid > 1 {
                // SAFETY: it is our child and not collected, so that the number is still its own.
                unsafe { libc::kill(pid, libc::SIGKILL) };
            }
            pid = 0;
        }
    }
    true
}

extern "C" fn woken(_signal: c_int) {}
