//! The C door: what `include/oyez.h` declares. Behind the feature `ffi`; nothing else in the crate exports a C symbol.
//!
//! It is written on the public items of the crate, as any host could write it, and the core knows nothing of it. A file
//! is a part of the header: `status.rs`, `version.rs`, `set.rs` and `byteset.rs` (both on `keys.rs`), `options.rs`,
//! `event.rs`, `fanout.rs`, `receipt.rs`, `worker.rs`, `outbox.rs`, `stats.rs`, `member_list.rs`, `flush.rs`. The rules
//! that they share are three files: `guard.rs` stops panics, `owner.rs` poisons what a bug of ours has left half
//! changed, `argument.rs` checks pointers. Build lines, ownership and threads:
//! [`docs::embedding`](crate::docs::embedding).
//!
//! # What a caller promises
//!
//! Every pointer is NULL or valid for what the call does with it, aligned, and no two results of a call are the same
//! object. A handle came from its `_new`, or from its other constructors, and was not freed; while a call has it as
//! `T *`, no other call has it, but for workers and outboxes, which look for themselves. Everything else is checked,
//! and answered with a status.
//!
//! # How it keeps its own promises
//!
//! - A handle is a reference in Rust: `const T *` is `Option<&T>`, `T *` is `Option<&mut T>`, the pointer that `_free`
//!   takes is `Option<Box<T>>`. NULL is `None`, and the compiler checks the rest, so most exports are safe functions.
//!   Unsafe are those that take arrays, structs that may grow, callbacks, and handles that another call may have at
//!   that moment: what is behind these is locked, and stays `&T`.
//! - A result's place is `Option<&mut MaybeUninit<T>>`: NULL for a result that is not wanted, written first of all, so
//!   that no path leaves it as it was.
//! - No enum, `bool` or bare function pointer comes in by value: numbers are checked, a callback is an `Option`.
//! - Callbacks are `extern "C-unwind"`: a host whose callback is Rust may panic in it, and gets a status for it; a C++
//!   exception ends the process instead of being undefined.

#![allow(non_camel_case_types, reason = "types are named here as in C, so that no table has to rename them")]
#![allow(clippy::missing_safety_doc, reason = "what a caller promises is the same for all, and stands above")]

mod argument;
mod byteset;
mod event;
mod fanout;
mod flush;
mod guard;
mod keys;
mod member_list;
mod options;
mod outbox;
mod owner;
mod receipt;
mod refusal;
mod set;
mod stats;
mod status;
mod version;
mod worker;

pub use argument::*;
pub use byteset::*;
pub use event::*;
pub use fanout::*;
pub use flush::*;
pub use member_list::*;
pub use options::*;
pub use outbox::*;
pub use receipt::*;
pub use set::*;
pub use stats::*;
pub use status::*;
pub use version::*;
pub use worker::*;

#[cfg(test)]
mod tests {
    use super::argument::Growing;
    use super::*;

    fn many_threads_may_have<T: Send + Sync>() {}

    /// The handles themselves, with all that is in them.
    #[test]
    fn the_compiler_agrees_with_what_the_header_says_of_threads() {
        many_threads_may_have::<oyez_set>();
        many_threads_may_have::<oyez_byteset>();
        many_threads_may_have::<oyez_fanout>();
        many_threads_may_have::<oyez_receipt>();
        many_threads_may_have::<oyez_worker>();
        many_threads_may_have::<oyez_outbox>();
        many_threads_may_have::<oyez_member_list>();
        many_threads_may_have::<oyez_flush>();
    }

    /// Where pointers have 64 bits, as in the header's own assertions.
    #[cfg(target_pointer_width = "64")]
    #[test]
    fn the_sizes_of_the_first_version_are_accepted_for_ever() {
        fn smallest<T: Growing>() -> usize {
            T::SIZE_MIN
        }
        assert_eq!(smallest::<oyez_fanout_options>(), 144);
        assert_eq!(smallest::<oyez_session_options>(), 16);
        assert_eq!(smallest::<oyez_member_list_options>(), 48);
        assert_eq!(smallest::<oyez_query>(), 40);
        assert_eq!(smallest::<oyez_event>(), 48);
        assert_eq!(smallest::<oyez_receipt_counts>(), 48);
        assert_eq!(smallest::<oyez_drained>(), 48);
        assert_eq!(smallest::<oyez_stats>(), 72);
        assert_eq!(smallest::<oyez_partition_stats>(), 104);
        assert_eq!(smallest::<oyez_accounting>(), 88);
        assert_eq!(smallest::<oyez_list_stats>(), 64);
    }
}
