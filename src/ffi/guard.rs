//! The one place where panics stop: every export is a call of [`guard`] or [`guard_or`], and a test reads the sources
//! for it. They are functions, not a macro, since cbindgen sees no export that a macro makes.

use super::status::{OYEZ_OK, OYEZ_PANIC, oyez_status};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What an export's body comes to.
pub(super) type Done = Result<(), oyez_status>;

/// Runs the body of an export that answers with a status.
#[inline]
pub(super) fn guard(body: impl FnOnce() -> Done) -> oyez_status {
    guard_or(OYEZ_PANIC, || match body() {
        Ok(()) => OYEZ_OK,
        Err(status) => status,
    })
}

/// Runs the body of an export that answers with something else.
#[inline]
pub(super) fn guard_or<T>(panicked: T, body: impl FnOnce() -> T) -> T {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(answer) => answer,
        Err(payload) => {
            discard(payload);
            panicked
        }
    }
}

/// Drops what was panicked with. That may panic too; what comes of that is left alone.
#[cold]
pub(super) fn discard(payload: Box<dyn Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(again);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ffi::OYEZ_BUSY;
    use std::panic::panic_any;

    struct PanicsWhenDropped;

    impl Drop for PanicsWhenDropped {
        fn drop(&mut self) {
            panic!("dropped");
        }
    }

    #[test]
    fn a_panic_becomes_a_status() {
        assert_eq!(guard(|| Ok(())), OYEZ_OK);
        assert_eq!(guard(|| Err(OYEZ_BUSY)), OYEZ_BUSY);
        assert_eq!(guard(|| panic!("a bug")), OYEZ_PANIC);
        assert_eq!(guard_or(7, || panic!("a bug")), 7);
    }

    #[test]
    fn so_does_one_whose_payload_panics_when_dropped() {
        assert_eq!(guard(|| panic_any(PanicsWhenDropped)), OYEZ_PANIC);
    }
}
