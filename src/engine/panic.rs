//! A panic in a probe is that item's error, and is not printed: its message may contain anything.

use std::any::Any;
use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::client::aside;

thread_local! {
    static IS_GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Keeps what panics in a [`Guarded`] future off standard error. Called once, by the program.
pub fn quiet() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        // Panics of other threads of the run are passed on to it.
        if !IS_GUARDED.get() && std::thread::current().name() != Some(aside::THREAD) {
            usual(info);
        }
    }));
}

/// A future whose panic is its result: the message.
pub struct Guarded<F>(pub Pin<Box<F>>);

impl<F: Future> Guarded<F> {
    /// Guards a future.
    pub fn new(future: F) -> Self {
        Self(Box::pin(future))
    }
}

impl<F: Future> Future for Guarded<F> {
    type Output = Result<F::Output, String>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context) -> Poll<Self::Output> {
        let before = IS_GUARDED.replace(true);
        let polled = catch_unwind(AssertUnwindSafe(|| self.0.as_mut().poll(cx)));
        IS_GUARDED.set(before);
        match polled {
            Ok(polled) => polled.map(Ok),
            Err(payload) => Poll::Ready(Err(message(&*payload))),
        }
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a word".to_owned())
}
