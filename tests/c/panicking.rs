//! The C library with callbacks of a host that is Rust behind C, and has bugs: `panic.c` calls them.

#![allow(unsafe_code, reason = "exports callbacks to C")]

use oyez::ffi::oyez_item;
use std::ffi::c_void;

/// Takes everything, and panics for the session that `userdata` points to.
///
/// # Safety
///
/// It points to a session.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn panic_for(
    userdata: *mut c_void,
    session: u64,
    _items: *const oyez_item,
    count: usize,
) -> usize {
    // SAFETY: the caller's promise.
    assert_ne!(session, unsafe { *userdata.cast::<u64>() }, "planted");
    count
}

/// Panics instead of waking anybody.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn panic_on_wake(_userdata: *mut c_void) {
    panic!("planted");
}
