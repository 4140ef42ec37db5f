//! Terms taken apart and put together without a vector for each.
//!
//! `unsafe` here since rustler copies the elements of every tuple into a new `Vec`, without a look at its arity: 16
//! million would be copied before the key was found too large. And it takes longer: `oyez:set_find` of `{700, 42}`, in
//! a set of one, 167-189 ns instead of 155-159, of `{{1, 2}, {3, 4}}` 285-312 instead of 227-235.

#![expect(unsafe_code, reason = "reads tuples where they lie")]

use rustler::sys::{ErlNifTerm, enif_get_tuple, enif_make_list_cell, enif_make_tuple_from_array};
use rustler::{Env, Term};
use std::ptr;

/// The elements of a term that is a tuple, where the emulator has them.
pub(crate) struct Elements<'a> {
    env: Env<'a>,
    raw: &'a [ErlNifTerm],
}

impl<'a> Elements<'a> {
    /// `None` if the term is no tuple.
    pub fn of(term: Term<'a>) -> Option<Self> {
        let env = term.get_env();
        let (mut arity, mut first) = (0, ptr::null());
        // SAFETY: the term is of this environment, and both results are written if the call succeeds.
        let is_tuple = unsafe { enif_get_tuple(env.as_c_arg(), term.as_c_arg(), &mut arity, &mut first) } != 0;
        // SAFETY: so many terms lie there, unchanged for as long as the environment: `'a`. An empty tuple has no place.
        let raw = if arity > 0 { unsafe { std::slice::from_raw_parts(first, arity as usize) } } else { &[] };
        is_tuple.then_some(Elements { env, raw })
    }

    pub fn len(&self) -> usize {
        self.raw.len()
    }

    /// The first, and the others are left.
    pub fn next(&mut self) -> Option<Term<'a>> {
        let (first, others) = self.raw.split_first()?;
        self.raw = others;
        // SAFETY: an element of a term of this environment is one of it too.
        Some(unsafe { Term::new(self.env, *first) })
    }
}

/// Terms that wait to become parts of another.
pub(crate) struct Parts<'a> {
    env: Env<'a>,
    raw: Vec<ErlNifTerm>,
}

impl<'a> Parts<'a> {
    pub fn new(env: Env<'a>) -> Self {
        Parts { env, raw: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.raw.len()
    }

    /// `part` must be of the same environment, which it is as long as nobody makes two with one lifetime.
    pub fn push(&mut self, part: Term<'a>) {
        self.raw.push(part.as_c_arg());
    }

    /// Makes a tuple of the parts from `start` on.
    pub fn take_tuple(&mut self, start: usize) -> Term<'a> {
        let elements = &self.raw[start..];
        // SAFETY: all of them are terms of this environment, by `push`.
        let tuple = unsafe {
            let raw = enif_make_tuple_from_array(self.env.as_c_arg(), elements.as_ptr(), elements.len() as u32);
            Term::new(self.env, raw)
        };
        self.raw.truncate(start);
        tuple
    }

    /// Makes a list of the parts from `start` on, and a tail.
    pub fn take_list(&mut self, start: usize, tail: Term<'a>) -> Term<'a> {
        let list = self.raw.drain(start..).rev().fold(tail.as_c_arg(), |list, head| {
            // SAFETY: both are terms of this environment.
            unsafe { enif_make_list_cell(self.env.as_c_arg(), head, list) }
        });
        // SAFETY: made just now, or the tail.
        unsafe { Term::new(self.env, list) }
    }
}
