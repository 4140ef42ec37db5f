//! What every call answers with: a number.

#![expect(unsafe_code, reason = "an exported symbol is unsafe to name: it must be the only one of its name")]

use super::guard::guard_or;
use std::ffi::{CStr, c_char};

/// What a call answers: `OYEZ_OK`, or a negative number that says why not. Numbers are never reused; later versions may
/// add some. Since 0.1.
pub type oyez_status = i32;

/// Done. Since 0.1.
pub const OYEZ_OK: oyez_status = 0;
/// A pointer that the call needs is NULL. Nothing has changed. Since 0.1.
pub const OYEZ_NULL: oyez_status = -1;
/// A number is out of its range, or a `struct_size` is wrong. Nothing has changed. Since 0.1.
pub const OYEZ_INVALID: oyez_status = -2;
/// What the call names is not there: a session that has disconnected, a key, a member, a rank. Since 0.1.
pub const OYEZ_NOT_FOUND: oyez_status = -3;
/// The buffer has no room for everything: it was filled, and the total says how much there is. Since 0.1.
pub const OYEZ_SHORT_BUFFER: oyez_status = -4;
/// A panic was stopped. In a callback's code: the call went on and its results tell. In ours, a bug: what the call had
/// in hand answers OYEZ_POISONED from then on. Since 0.1.
pub const OYEZ_PANIC: oyez_status = -5;
/// A bug in the library has left this object half changed. It can be freed, nothing else. Since 0.1.
pub const OYEZ_POISONED: oyez_status = -6;
/// In other hands at this moment: a worker or an outbox that another call is using, or that there is already. Since
/// 0.1.
pub const OYEZ_BUSY: oyez_status = -7;
/// It was so already: the key is in the set, the session is subscribed. The results are told. Since 0.1.
pub const OYEZ_ALREADY: oyez_status = -8;
/// As many as there may be: sessions, topics, members, viewers, windows, keys. Nothing has changed. Since 0.1.
pub const OYEZ_FULL: oyez_status = -9;
/// A payload, a collation key or a window is larger than it may be. Nothing has changed. Since 0.1.
pub const OYEZ_TOO_LARGE: oyez_status = -10;
/// The keys do not ascend strictly. Nothing was built. Since 0.1.
pub const OYEZ_NOT_SORTED: oyez_status = -11;
/// The fan-out is closed; for who waits, everything is handed over too. Since 0.1.
pub const OYEZ_CLOSED: oyez_status = -12;
/// The session was not handed an event of this sequence. Nothing has changed. Since 0.1.
pub const OYEZ_NOT_HANDED_OVER: oyez_status = -13;
/// There is no partition of this number. Since 0.1.
pub const OYEZ_NO_PARTITION: oyez_status = -14;
/// The list was made without this group. Since 0.1.
pub const OYEZ_NO_GROUP: oyez_status = -15;
/// The session was not subscribed. Since 0.1.
pub const OYEZ_NOT_SUBSCRIBED: oyez_status = -16;
/// The partition's budget has no room for what would come along. Nothing has changed. Since 0.1.
pub const OYEZ_OVER_BUDGET: oyez_status = -17;
/// Nothing to drain now. Since 0.1.
pub const OYEZ_PENDING: oyez_status = -18;
/// A validation found a bug in the library. Since 0.1.
pub const OYEZ_BROKEN: oyez_status = -19;
/// A callback has said that it failed. The call went on, and its results tell. Since 0.1.
pub const OYEZ_FAILED: oyez_status = -20;

/// Says what a status means, in English. Takes any number and never fails; the text is static. O(1), from any thread.
/// Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_status_str(status: oyez_status) -> *const c_char {
    guard_or(c"unknown status".as_ptr(), || text(status).as_ptr())
}

fn text(status: oyez_status) -> &'static CStr {
    match status {
        OYEZ_OK => c"done",
        OYEZ_NULL => c"a pointer is NULL",
        OYEZ_INVALID => c"a number is out of its range",
        OYEZ_NOT_FOUND => c"not there",
        OYEZ_SHORT_BUFFER => c"the buffer has no room for everything",
        OYEZ_PANIC => c"a panic was stopped",
        OYEZ_POISONED => c"left half changed by a bug in the library",
        OYEZ_BUSY => c"in other hands",
        OYEZ_ALREADY => c"it was so already",
        OYEZ_FULL => c"as many as there may be",
        OYEZ_TOO_LARGE => c"larger than it may be",
        OYEZ_NOT_SORTED => c"the keys do not ascend",
        OYEZ_CLOSED => c"the fan-out is closed",
        OYEZ_NOT_HANDED_OVER => c"the session was handed nothing of this sequence",
        OYEZ_NO_PARTITION => c"no partition of this number",
        OYEZ_NO_GROUP => c"no such group",
        OYEZ_NOT_SUBSCRIBED => c"the session was not subscribed",
        OYEZ_OVER_BUDGET => c"the partition is over its budget",
        OYEZ_PENDING => c"nothing to drain now",
        OYEZ_BROKEN => c"a bug in the library",
        OYEZ_FAILED => c"a callback has failed",
        _ => c"unknown status",
    }
}
