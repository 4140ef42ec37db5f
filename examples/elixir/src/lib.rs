//! The Erlang door: the NIFs of the module `oyez`.
//!
//! A NIF is a function of a few lines here: it takes terms apart (`encode.rs`, `decode.rs`), calls the library, and
//! puts the answer together. What it must not do is hold a scheduler for more than a millisecond, so whatever could
//! take longer comes in slices that `oyez.erl` asks for one by one, or has a twin on the dirty schedulers; what is
//! expensive to drop goes to a thread (`reaper.rs`). A panic becomes an exception with its message (`guard.rs`).

mod closable;
mod decode;
mod encode;
mod guard;
mod key;
mod parts;
mod reaper;
mod registry;
mod sorted_set;

use rustler::{Env, Term};

mod atoms {
    rustler::atoms! {
        abandoned, absent, accepted, added, already, bad_reference, bitstring, bytes, closed, delivered, dirty,
        discarded, done, down_panics, dropped, error, event, float, found, full, fun, gap, gaps, idle, key_too_large,
        left, map, more, no_such_partition, none, noproc, not_handed_over, not_joined, not_local, not_sorted, ok,
        overflowed, oyez, panic, payload_too_large, pending, pid, poisoned, port, published, reference, refused,
        removed, subscribers, subscriptions, too_many_topics, topics, unacknowledged, unsupported_type, wake, was_not,
    }
}

/// Loaded by the module's `-on_load` alone. A panic is told by the exception it becomes, so the hook, which is only
/// this library's, prints nothing: before OTP 26 the emulator sets its output to non-blocking, and a print may panic
/// again.
fn load(_env: Env, _info: Term) -> bool {
    std::panic::set_hook(Box::new(|_| {}));
    true
}

rustler::init!("oyez", load = load);
