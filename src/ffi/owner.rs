//! What a handle points to: a value that a bug of ours poisons.
//!
//! A panic in our own code may leave a value half changed, and a panic does not say whether it did. So the value is
//! poisoned, and every later call on it says so; others go on. A host's callbacks are caught before they get here and
//! poison nothing. Workers and outboxes share the poison of their fan-out, since it is the fan-out that they change.

use super::guard::Done;
use super::status::{OYEZ_BROKEN, OYEZ_NULL, OYEZ_POISONED, oyez_status};
use crate::sync::{OnceLock, Poison};
use std::borrow::Borrow;
use std::ffi::{CString, c_char};
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};
use std::ptr::null_mut;

pub(super) struct Owner<T, P = Poison> {
    value: T,
    poison: P,
    /// What a validation has found, kept for who asked.
    complaint: OnceLock<CString>,
}

impl<T> Owner<T> {
    pub fn new(value: T) -> Self {
        Owner::with_poison(value, Poison::new())
    }
}

impl<T, P: Borrow<Poison>> Owner<T, P> {
    pub fn with_poison(value: T, poison: P) -> Self {
        Owner { value, poison, complaint: OnceLock::new() }
    }

    /// To share it with another owner.
    pub fn poison(&self) -> &P {
        &self.poison
    }

    #[inline]
    pub fn read<R>(&self, call: impl FnOnce(&T) -> Result<R, oyez_status>) -> Result<R, oyez_status> {
        watched(self.poison.borrow(), || call(&self.value))
    }

    #[inline]
    pub fn change<R>(&mut self, call: impl FnOnce(&mut T) -> Result<R, oyez_status>) -> Result<R, oyez_status> {
        watched(self.poison.borrow(), || call(&mut self.value))
    }

    /// Validates the value. The reason lives as long as the owner; the first that was found stays.
    pub fn validate(&self, mut reason: Output<*const c_char>, validate: impl FnOnce(&T) -> Result<(), String>) -> Done {
        let Err(complaint) = self.read(|value| Ok(validate(value)))? else { return Ok(()) };
        let complaint = self.complaint.get_or_init(|| CString::new(complaint).unwrap_or_default());
        reason.set(complaint.as_ptr());
        Err(OYEZ_BROKEN)
    }
}

/// Calls, and poisons if that unwinds.
#[inline]
fn watched<R>(poison: &Poison, call: impl FnOnce() -> Result<R, oyez_status>) -> Result<R, oyez_status> {
    struct Unwinding<'a>(&'a Poison);

    impl Drop for Unwinding<'_> {
        fn drop(&mut self) {
            self.0.raise();
        }
    }

    if poison.is_raised() {
        return Err(OYEZ_POISONED);
    }
    let unwinding = Unwinding(poison);
    let answer = call();
    std::mem::forget(unwinding);
    answer
}

/// Puts something new behind a handle, which the host frees. The handle is NULL if it cannot be made.
pub(super) fn hand_out<T>(
    handle: Option<&mut MaybeUninit<*mut T>>,
    make: impl FnOnce() -> Result<T, oyez_status>,
) -> Done {
    let handle = handle.ok_or(OYEZ_NULL)?;
    handle.write(null_mut());
    handle.write(Box::into_raw(Box::new(make()?)));
    Ok(())
}

/// Structs for C that point into what the same handle owns. Raw pointers go to no other thread by themselves; these may
/// go wherever their handle goes, and everything else in the handle still has to be what its threads need.
pub(super) struct Pointing<T>(Vec<T>);

/// # Safety
///
/// Numbers, and pointers into the handle that has them.
#[expect(unsafe_code, reason = "a promise that the compiler cannot check")]
pub(super) unsafe trait PointsIntoItsHandle {}

impl<T> Default for Pointing<T> {
    fn default() -> Self {
        Pointing(Vec::new())
    }
}

// SAFETY: what the pointers point to is in the same handle, which goes to the other thread with them.
#[expect(unsafe_code, reason = "raw pointers, which the compiler knows nothing of")]
unsafe impl<T: PointsIntoItsHandle> Send for Pointing<T> {}
// SAFETY: through a shared reference it is only read, and so is what is pointed to: it changes when the vector does.
#[expect(unsafe_code, reason = "as above")]
unsafe impl<T: PointsIntoItsHandle> Sync for Pointing<T> {}

impl<T> Deref for Pointing<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<T> DerefMut for Pointing<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.0
    }
}

/// A result's place, or nothing if the host does not want it.
pub(super) struct Output<'a, T>(Option<&'a mut MaybeUninit<T>>);

impl<'a, T> Output<'a, T> {
    /// Written at once: no path leaves it as it was.
    #[inline]
    pub fn of(place: Option<&'a mut MaybeUninit<T>>, initial: T) -> Self {
        let mut output = Output(place);
        output.set(initial);
        output
    }

    #[inline]
    pub fn set(&mut self, result: T) {
        if let Some(place) = &mut self.0 {
            place.write(result);
        }
    }

    /// The same, of a result without which the call would be pointless.
    pub fn needed(self) -> Result<Self, oyez_status> {
        if self.0.is_some() { Ok(self) } else { Err(OYEZ_NULL) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ffi::guard::guard;
    use crate::ffi::{OYEZ_OK, OYEZ_PANIC};
    use std::ptr::null;
    use std::sync::Arc;

    #[test]
    fn a_bug_poisons_its_owner_and_nobody_else() {
        let (mut broken, whole) = (Owner::new(1), Owner::new(2));
        assert_eq!(guard(|| broken.change(|_| panic!("a bug"))), OYEZ_PANIC);
        assert_eq!(guard(|| broken.change(|_| Ok(()))), OYEZ_POISONED);
        assert_eq!(guard(|| broken.read(|_| Ok(()))), OYEZ_POISONED);
        assert_eq!(guard(|| broken.validate(Output(None), |_| Ok(()))), OYEZ_POISONED);
        assert_eq!(guard(|| whole.read(|_| Ok(()))), OYEZ_OK);
    }

    #[test]
    fn owners_that_share_a_poison_are_poisoned_together() {
        let fanout = Owner::with_poison(1, Arc::new(Poison::new()));
        let worker = Owner::with_poison(2, Arc::clone(fanout.poison()));
        assert_eq!(guard(|| worker.read(|_| panic!("a bug"))), OYEZ_PANIC);
        assert_eq!(guard(|| fanout.read(|_| Ok(()))), OYEZ_POISONED);
    }

    #[test]
    fn a_refusal_poisons_nothing() {
        let owner = Owner::new(1);
        assert_eq!(guard(|| owner.read(|_| Err::<(), _>(OYEZ_NULL))), OYEZ_NULL);
        assert_eq!(guard(|| owner.read(|_| Ok(()))), OYEZ_OK);
    }

    #[expect(unsafe_code, reason = "reads what a call has written for C")]
    #[test]
    fn what_a_validation_finds_is_told() {
        let owner = Owner::new(1);
        let mut reason = MaybeUninit::uninit();
        let mut ask = |found| owner.validate(Output::of(Some(&mut reason), null()), |_| found);
        assert_eq!(ask(Ok(())), Ok(()));
        assert_eq!(ask(Err("a leaf is empty".into())), Err(OYEZ_BROKEN));
        assert_eq!(owner.complaint.get().unwrap().as_c_str(), c"a leaf is empty");
        // SAFETY: written by `of`.
        assert_eq!(unsafe { reason.assume_init() }, owner.complaint.get().unwrap().as_ptr());
    }
}
