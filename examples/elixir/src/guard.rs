//! The rim of every NIF: what is refused becomes `{error, Reason}`, a panic an exception with its message.

use crate::atoms;
use crate::encode::NotAKey;
use rustler::schedule::consume_timeslice;
use rustler::{Atom, Encoder, Env, Error, NifResult, Term};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a NIF answers instead of what it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The term is no set, registry or builder of ours.
    BadReference,
    /// An argument has the wrong type: `badarg`, as the emulator's own functions have it.
    BadArgument,
    NotAKey(NotAKey),
    /// The set has as many keys as it can have, or the partition as many subscribers.
    Full,
    /// Not greater than the one before it.
    NotSorted {
        at: usize,
    },
    Closed,
    /// A panic may have left it half changed.
    Poisoned,
    NoProcess,
    NotLocal,
    NotJoined,
    TooManyTopics,
    NoSuchPartition,
    PayloadTooLarge {
        max: usize,
    },
    NotHandedOver {
        last: u64,
    },
}

/// Runs the body of a NIF.
pub(crate) fn guard<'a, T: Encoder>(env: Env<'a>, body: impl FnOnce() -> Result<T, Refusal>) -> NifResult<Term<'a>> {
    match catch_unwind(AssertUnwindSafe(|| body().map(|answer| answer.encode(env)))) {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(refusal)) => refusal.answer(env),
        Err(payload) => Err(Error::RaiseTerm(Box::new((atoms::panic(), message(payload))))),
    }
}

/// Tells the emulator how long a NIF has taken, in hundredths of a timeslice of about a millisecond: it counts the
/// calls of functions only, and would let a process go on for four thousand of ours.
pub(crate) fn took(env: Env, percent: usize) {
    consume_timeslice(env, percent.clamp(1, 100) as i32);
}

/// What it panicked with, if that was a text. To drop anything else might panic again.
#[cold]
fn message(payload: Box<dyn Any + Send>) -> String {
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => match payload.downcast::<&'static str>() {
            Ok(text) => text.to_string(),
            Err(payload) => {
                std::mem::forget(payload);
                String::new()
            }
        },
    }
}

impl Refusal {
    #[cold]
    fn answer(self, env: Env<'_>) -> NifResult<Term<'_>> {
        let only = |reason: Atom| reason.encode(env);
        let reason = match self {
            Refusal::BadArgument => return Err(Error::BadArg),
            Refusal::BadReference => only(atoms::bad_reference()),
            Refusal::NotAKey(NotAKey::Unsupported(kind)) => (atoms::unsupported_type(), kind.atom()).encode(env),
            Refusal::NotAKey(NotAKey::TooLarge) => only(atoms::key_too_large()),
            Refusal::Full => only(atoms::full()),
            Refusal::NotSorted { at } => (atoms::not_sorted(), at).encode(env),
            Refusal::Closed => only(atoms::closed()),
            Refusal::Poisoned => only(atoms::poisoned()),
            Refusal::NoProcess => only(atoms::noproc()),
            Refusal::NotLocal => only(atoms::not_local()),
            Refusal::NotJoined => only(atoms::not_joined()),
            Refusal::TooManyTopics => only(atoms::too_many_topics()),
            Refusal::NoSuchPartition => only(atoms::no_such_partition()),
            Refusal::PayloadTooLarge { max } => (atoms::payload_too_large(), max).encode(env),
            Refusal::NotHandedOver { last } => (atoms::not_handed_over(), last).encode(env),
        };
        Ok((atoms::error(), reason).encode(env))
    }
}

impl From<NotAKey> for Refusal {
    fn from(reason: NotAKey) -> Self {
        Refusal::NotAKey(reason)
    }
}
