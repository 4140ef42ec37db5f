//! The term that a key was made from, the other way round than `encode.rs`. The bytes are our own: what is wrong in
//! them is a bug of ours, and a panic.

use crate::encode::{END, SHORT_MAX, WIDE_ATOM, ZERO, tag};
use crate::parts::Parts;
use rustler::{Atom, Encoder, Env, NewBinary, Term};
use smallvec::SmallVec;

/// A tuple or list that is not complete yet. Its parts begin at `start`.
enum Open {
    Tuple { start: usize, left: usize },
    Heads { start: usize },
    Tail { start: usize },
}

/// Makes the term that was encoded. Atoms are looked up, never made: each was there when it was encoded, and the
/// emulator forgets none. O(its parts).
pub(crate) fn decode<'a>(env: Env<'a>, key: &[u8]) -> Term<'a> {
    let mut bytes = key;
    let mut parts = Parts::new(env);
    let mut open: SmallVec<[Open; 8]> = SmallVec::new();
    loop {
        let mut term = match take(&mut bytes) {
            tag::INTEGER => integer(env, &mut bytes),
            tag::ATOM => atom(env, &mut bytes),
            tag::BINARY => binary(env, &mut bytes),
            tag::NIL => Term::list_new_empty(env),
            tag::LIST => {
                open.push(Open::Heads { start: parts.len() });
                continue;
            }
            tag::TUPLE => {
                let left = number(&mut bytes, 3);
                if left > 0 {
                    open.push(Open::Tuple { start: parts.len(), left });
                    continue;
                }
                parts.take_tuple(parts.len())
            }
            unknown => panic!("no term begins with {unknown}"),
        };
        // A complete term is a part of the innermost that is not, which it may complete.
        loop {
            match open.last_mut() {
                None => {
                    assert!(bytes.is_empty(), "a key holds one term");
                    return term;
                }
                Some(Open::Tuple { start, left }) => {
                    parts.push(term);
                    *left -= 1;
                    if *left > 0 {
                        break;
                    }
                    term = parts.take_tuple(*start);
                }
                Some(Open::Heads { start }) => {
                    parts.push(term);
                    if bytes.first() == Some(&tag::LIST) {
                        take(&mut bytes); // the rest is a list again
                    } else {
                        let start = *start;
                        open.pop();
                        open.push(Open::Tail { start });
                    }
                    break;
                }
                Some(Open::Tail { start }) => term = parts.take_list(*start, term),
            }
            open.pop();
        }
    }
}

fn take(bytes: &mut &[u8]) -> u8 {
    take_many(bytes, 1)[0]
}

fn take_many<'b>(bytes: &mut &'b [u8], count: usize) -> &'b [u8] {
    let (taken, rest) = bytes.split_at(count);
    *bytes = rest;
    taken
}

/// A number of so many bytes, the greatest first.
fn number(bytes: &mut &[u8], count: usize) -> usize {
    take_many(bytes, count).iter().fold(0, |number, &byte| number << 8 | usize::from(byte))
}

fn integer<'a>(env: Env<'a>, bytes: &mut &[u8]) -> Term<'a> {
    let length = take(bytes);
    let is_negative = length < ZERO;
    let short = usize::from(length.abs_diff(ZERO));
    let digits = match short {
        0..=8 => {
            let turned = number(bytes, short) as u64;
            let all = u64::MAX.checked_shr(64 - 8 * short as u32).unwrap_or(0);
            let absolute = if is_negative { turned ^ all } else { turned };
            return match (is_negative, i64::try_from(absolute)) {
                (false, _) => absolute.encode(env),
                (true, Ok(absolute)) => (-absolute).encode(env),
                (true, Err(_)) if absolute == i64::MIN.unsigned_abs() => i64::MIN.encode(env),
                (true, Err(_)) => big_integer(env, true, &absolute.to_le_bytes()),
            };
        }
        9..=SHORT_MAX => take_many(bytes, short),
        _ => {
            let turned = number(bytes, 4);
            take_many(bytes, if is_negative { turned ^ 0xFFFF_FFFF } else { turned })
        }
    };
    let turn = if is_negative { 0xFF } else { 0 };
    let smallest_first: Vec<u8> = digits.iter().rev().map(|byte| byte ^ turn).collect();
    big_integer(env, is_negative, &smallest_first)
}

fn big_integer<'a>(env: Env<'a>, is_negative: bool, smallest_first: &[u8]) -> Term<'a> {
    let mut external = vec![131, 111];
    external.extend((smallest_first.len() as u32).to_be_bytes());
    external.push(is_negative.into());
    external.extend_from_slice(smallest_first);
    from_external(env, &external)
}

fn atom<'a>(env: Env<'a>, bytes: &mut &[u8]) -> Term<'a> {
    let text = text(bytes);
    let text: &[u8] = &text;
    if let Ok(atom) = Atom::existing_from_utf8_bytes(env, text) {
        return atom.to_term(env);
    }
    let mut external = vec![131, WIDE_ATOM];
    external.extend((text.len() as u16).to_be_bytes());
    external.extend_from_slice(text);
    from_external(env, &external)
}

/// Refuses an atom that is not there.
fn from_external<'a>(env: Env<'a>, external: &[u8]) -> Term<'a> {
    let (term, _) = env.binary_to_term(external).expect("what was a term is one");
    term
}

fn binary<'a>(env: Env<'a>, bytes: &mut &[u8]) -> Term<'a> {
    let text = text(bytes);
    let mut binary = NewBinary::new(env, text.len());
    binary.as_mut_slice().copy_from_slice(&text);
    binary.into()
}

/// Bytes up to their end, each zero once again.
fn text(bytes: &mut &[u8]) -> SmallVec<[u8; 64]> {
    let mut text = SmallVec::new();
    loop {
        let run = bytes.iter().position(|&byte| byte == 0).expect("a text has an end");
        text.extend_from_slice(take_many(bytes, run));
        if take_many(bytes, 2) == END {
            return text;
        }
        text.push(0);
    }
}
