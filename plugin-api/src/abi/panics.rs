//! No panic crosses the ABI, and no panic prints.

use std::{
    any::Any,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind, set_hook},
    pin::Pin,
    task::{Context, Poll},
};

use crate::{Host, Level};

/// Runs a plugin's code; `None` if it panicked.
pub(super) fn caught<T>(run: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(run)).map_err(dispose).ok()
}

/// A future whose panic becomes a value.
pub(super) struct Caught<F, T> {
    /// Boxed so that this type needs no pin projection; an FFI future allocates anyway.
    future: Pin<Box<F>>,
    on_panic: fn() -> T,
}

impl<F: Future, T> Caught<F, T> {
    pub(super) fn new(future: F, on_panic: fn() -> T) -> Self {
        Self {
            future: Box::pin(future),
            on_panic,
        }
    }
}

impl<F: Future<Output = T>, T> Future for Caught<F, T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        caught(|| self.future.as_mut().poll(context))
            .unwrap_or_else(|| Poll::Ready((self.on_panic)()))
    }
}

/// A panic's payload may itself panic when dropped: it is leaked instead.
fn dispose(payload: Box<dyn Any + Send>) {
    std::mem::forget(payload);
}

/// Sends the text of every panic in this library through the host's log, never to standard error.
///
/// The host process and the plugin have each their own copy of the standard library, so this is
/// the plugin's hook alone.
pub(super) fn log_panics(host: Host) {
    set_hook(Box::new(move |info| {
        let place = info
            .location()
            .map(|at| format!(" at {}:{}", at.file(), at.line()));
        let text = payload_text(info.payload());
        host.log(
            Level::Error,
            &format!("panic{}: {text}", place.unwrap_or_default()),
        );
    }));
}

fn payload_text(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no text)")
}
