//! The signals that ask the program to end.

use std::io;

use tokio::signal::unix::{self, SignalKind, signal};

use crate::run::Signal;

/// The first signal that asks the program to end, when it comes.
pub fn stop() -> io::Result<impl Future<Output = Signal>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let came = async |signal: &mut unix::Signal| {
        if signal.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    };
    Ok(async move {
        tokio::select! {
            () = came(&mut interrupt) => Signal::Interrupt,
            () = came(&mut terminate) => Signal::Terminate,
            () = came(&mut hangup) => Signal::Hangup,
        }
    })
}
