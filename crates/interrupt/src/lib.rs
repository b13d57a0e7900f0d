//! Cooperative interruption of loops over large inputs, at a deadline or on demand.
//!
//! A thread computes under at most one [`Interrupt`]. Loops call [`check`] once per item, which unwinds with
//! [`Interrupted`] when the interrupt is due; the caller of [`Interrupt::scope`] catches the payload. Unwinding spares
//! the functions in between a `Result` that could only say "stopped", and runs no panic hook
//! (<https://doc.rust-lang.org/std/panic/fn.resume_unwind.html>).

#![warn(missing_docs)]

use std::{
    cell::{Cell, RefCell},
    panic::resume_unwind,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

/// Number of calls of [`check`] per reading of the clock, which costs more than most items.
const STRIDE: u32 = 256;

thread_local! {
    static CURRENT: RefCell<Option<Arc<Interrupt>>> = const { RefCell::new(None) };
    static CALLS: Cell<u32> = const { Cell::new(0) };
}

/// Interrupt of a computation.
#[derive(Debug, Default)]
pub struct Interrupt {
    deadline: Option<Instant>,
    is_set: AtomicBool,
}

/// Payload of the unwinding by [`check`].
#[derive(Debug)]
pub struct Interrupted;

impl Interrupt {
    /// Becomes due at the deadline, or after a call of [`set`](Self::set).
    pub fn new(deadline: Option<Instant>) -> Self {
        Self {
            deadline,
            is_set: AtomicBool::new(false),
        }
    }

    /// Makes the interrupt due, from any thread.
    pub fn set(&self) {
        // Relaxed suffices: the flag guards no other memory, and a loop that reads the flag late runs a stride longer.
        self.is_set.store(true, Ordering::Relaxed);
    }

    /// True once the deadline has passed or [`set`](Self::set) was called.
    pub fn is_due(&self) -> bool {
        self.is_set.load(Ordering::Relaxed)
            || self
                .deadline
                .is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Runs `work` under this interrupt, on the current thread.
    pub fn scope<T>(self: &Arc<Self>, work: impl FnOnce() -> T) -> T {
        /// Restores the outer interrupt, also when `work` unwinds.
        struct Restore(Option<Arc<Interrupt>>);
        impl Drop for Restore {
            fn drop(&mut self) {
                CURRENT.set(self.0.take());
            }
        }
        let _restore = Restore(CURRENT.replace(Some(self.clone())));
        // Makes the first check of the scope read the clock, so that an interrupt due already ends the work at once.
        CALLS.set(0);
        work()
    }
}

/// Unwinds with [`Interrupted`] when the interrupt of the thread is due. Does nothing on a thread without interrupt.
///
/// Tests the interrupt with the first call in a scope and every 256th call after that, so that a call costs about a
/// nanosecond.
pub fn check() {
    let calls = CALLS.get();
    CALLS.set(calls.wrapping_add(1));
    if !calls.is_multiple_of(STRIDE) {
        return;
    }
    let is_due = CURRENT.with_borrow(|interrupt| {
        interrupt
            .as_ref()
            .is_some_and(|interrupt| interrupt.is_due())
    });
    if is_due {
        // No panic hook runs, so that the log shows no panic: an interruption is expected.
        resume_unwind(Box::new(Interrupted));
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    /// True when the interrupt ends the work.
    fn is_interrupted(interrupt: &Arc<Interrupt>, work: impl FnOnce()) -> bool {
        let ended = catch_unwind(AssertUnwindSafe(|| interrupt.scope(work)));
        ended.is_err_and(|payload| payload.is::<Interrupted>())
    }

    #[test]
    fn an_interrupt_is_due_when_it_is_set_or_at_its_deadline() {
        let interrupt = Interrupt::new(None);
        assert!(!interrupt.is_due());
        interrupt.set();
        assert!(interrupt.is_due());
        assert!(Interrupt::new(Some(Instant::now())).is_due());
    }

    #[test]
    fn an_interrupt_ends_with_its_scope() {
        let due = Arc::new(Interrupt::new(Some(Instant::now())));
        assert!(is_interrupted(&due, check));
        check();
        let open = Arc::new(Interrupt::default());
        assert!(!is_interrupted(&open, || {
            assert!(is_interrupted(&due, check));
            check();
        }));
    }
}
