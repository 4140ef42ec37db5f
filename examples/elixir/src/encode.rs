//! A term as bytes that are in the order of terms: `A =< B` if and only if the bytes of `A` are not greater than those
//! of `B`.
//!
//! A term begins with a byte for its type, in Erlang's order of types, and no term's bytes are the beginning of
//! another's. So what stands behind a term never matters where two terms differ, and parts are just written one after
//! the other:
//!
//! | term | bytes behind the first |
//! |---|---|
//! | integer | 128 + the bytes of its absolute value, then these, the greatest first; if negative, both turned over |
//! | atom | its text in UTF-8, in which the emulator compares atoms; ended as a binary is |
//! | tuple | the number of its elements in three bytes, then they: a longer tuple is greater, whatever is in it |
//! | list | its first element, then the rest of it, a term like any other: most often a list again, or `[]` |
//! | binary | its bytes, each 0 followed by 255, and 0, 0 at the end: so a beginning comes before the whole |
//!
//! Terms are taken apart with a stack of our own: the depth of a term is limited by the length of its key, not by the
//! thread's stack.
//!
//! Floats, maps, bitstrings, pids, ports, references and funs are refused, alone or within another term. (Floats
//! compare with integers, and maps by their sizes and keys first: the table above leaves room for their types.)

use crate::atoms;
use crate::parts::Elements;
use rustler::{Atom, Binary, Term, TermType};
use smallvec::SmallVec;

/// Bytes a key may have.
pub(crate) const KEY_BYTES_MAX: usize = 65_536;

/// The first byte of a term. Between them is room for the types that are not keys yet.
pub(crate) mod tag {
    pub const INTEGER: u8 = 0x10;
    pub const ATOM: u8 = 0x20;
    pub const TUPLE: u8 = 0x70;
    pub const NIL: u8 = 0x90;
    pub const LIST: u8 = 0xA0;
    pub const BINARY: u8 = 0xB0;
}

/// What an integer's length is added to, or taken from.
pub(crate) const ZERO: u8 = 0x80;
/// Integers of more bytes than that have their length in four bytes.
pub(crate) const SHORT_MAX: usize = 0x7E;

pub(crate) const ESCAPED_ZERO: [u8; 2] = [0, 0xFF];
pub(crate) const END: [u8; 2] = [0, 0];

/// Atoms of any letters in the emulator's external format.
pub(crate) const WIDE_ATOM: u8 = 118;
const SMALL_WIDE_ATOM: u8 = 119;

/// A key on its way to the set: on the stack, as long as it is short.
pub(crate) type Encoded = SmallVec<[u8; 64]>;

/// Why a term cannot be a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotAKey {
    /// It is, or has in it, a term of this type.
    Unsupported(Kind),
    /// Its key would have more than [`KEY_BYTES_MAX`] bytes.
    TooLarge,
}

/// Types that are no keys yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Float,
    Map,
    Bitstring,
    Pid,
    Port,
    Reference,
    Fun,
}

impl Kind {
    pub fn atom(self) -> Atom {
        match self {
            Kind::Float => atoms::float(),
            Kind::Map => atoms::map(),
            Kind::Bitstring => atoms::bitstring(),
            Kind::Pid => atoms::pid(),
            Kind::Port => atoms::port(),
            Kind::Reference => atoms::reference(),
            Kind::Fun => atoms::fun(),
        }
    }
}

/// What is still to be written.
enum Rest<'a> {
    One(Term<'a>),
    Elements(Elements<'a>),
}

type Stack<'a> = SmallVec<[Rest<'a>; 8]>;

/// Encodes a term. O(its parts).
pub(crate) fn encode(term: Term) -> Result<Encoded, NotAKey> {
    let mut bytes = Encoded::new();
    let mut stack = Stack::new();
    let mut next = Some(term);
    while let Some(term) = next {
        begin(term, &mut bytes, &mut stack)?;
        if bytes.len() > KEY_BYTES_MAX {
            return Err(NotAKey::TooLarge);
        }
        next = following(&mut stack);
    }
    Ok(bytes)
}

/// Writes a term, but for the parts that it leaves on the stack.
fn begin<'a>(term: Term<'a>, bytes: &mut Encoded, stack: &mut Stack<'a>) -> Result<(), NotAKey> {
    let unsupported = |kind| Err(NotAKey::Unsupported(kind));
    match term.get_type() {
        TermType::Integer => integer(term, bytes),
        TermType::Atom => atom(term, bytes),
        TermType::Binary => return binary(term, bytes),
        TermType::Tuple => return tuple(term, bytes, stack),
        TermType::List => match term.list_get_cell() {
            Ok((head, tail)) => {
                bytes.push(tag::LIST);
                stack.extend([Rest::One(tail), Rest::One(head)]);
            }
            Err(_) => bytes.push(tag::NIL),
        },
        TermType::Float => return unsupported(Kind::Float),
        TermType::Map => return unsupported(Kind::Map),
        TermType::Pid => return unsupported(Kind::Pid),
        TermType::Port => return unsupported(Kind::Port),
        TermType::Ref => return unsupported(Kind::Reference),
        TermType::Fun | TermType::Unknown => return unsupported(Kind::Fun),
    }
    Ok(())
}

/// The part that comes next.
fn following<'a>(stack: &mut Stack<'a>) -> Option<Term<'a>> {
    loop {
        match stack.last_mut()? {
            Rest::One(term) => {
                let term = *term;
                stack.pop();
                return Some(term);
            }
            Rest::Elements(elements) => match elements.next() {
                Some(term) => return Some(term),
                None => _ = stack.pop(),
            },
        }
    }
}

fn tuple<'a>(term: Term<'a>, bytes: &mut Encoded, stack: &mut Stack<'a>) -> Result<(), NotAKey> {
    let elements = Elements::of(term).expect("a tuple has elements");
    if elements.len() > KEY_BYTES_MAX {
        return Err(NotAKey::TooLarge); // each takes a byte at least
    }
    bytes.push(tag::TUPLE);
    bytes.extend_from_slice(&(elements.len() as u32).to_be_bytes()[1..]);
    stack.push(Rest::Elements(elements));
    Ok(())
}

fn integer(term: Term, bytes: &mut Encoded) {
    bytes.push(tag::INTEGER);
    if let Ok(small) = term.decode::<i64>() {
        magnitude(small < 0, &small.unsigned_abs().to_be_bytes(), bytes);
    } else {
        big_integer(&term.to_binary(), bytes);
    }
}

/// From the emulator's external format: the sign, then the bytes, the smallest first.
fn big_integer(external: &[u8], bytes: &mut Encoded) {
    const SMALL_BIG: u8 = 110;
    const LARGE_BIG: u8 = 111;
    let [_version, kind, rest @ ..] = external else { panic!("an integer in external format has a type") };
    let length_bytes = match *kind {
        SMALL_BIG => 1,
        LARGE_BIG => 4,
        kind => panic!("type {kind} in external format is no big integer"),
    };
    let (sign, smallest_first) = rest[length_bytes..].split_first().expect("a big integer has a sign");
    let greatest_first: Vec<u8> = smallest_first.iter().rev().copied().collect();
    magnitude(*sign != 0, &greatest_first, bytes);
}

fn magnitude(is_negative: bool, greatest_first: &[u8], bytes: &mut Encoded) {
    let zeros = greatest_first.iter().take_while(|&&byte| byte == 0).count();
    let digits = &greatest_first[zeros..];
    let turn = if is_negative { 0xFF } else { 0 };
    if digits.len() <= SHORT_MAX {
        let length = digits.len() as u8;
        bytes.push(if is_negative { ZERO - length } else { ZERO + length });
    } else {
        bytes.push(0xFF ^ turn);
        bytes.extend((digits.len() as u32).to_be_bytes().map(|byte| byte ^ turn));
    }
    bytes.extend(digits.iter().map(|byte| byte ^ turn));
}

fn atom(term: Term, bytes: &mut Encoded) {
    bytes.push(tag::ATOM);
    match term.atom_to_string() {
        Ok(text) => text_bytes(text.as_bytes(), bytes),
        // Before OTP 26 the emulator's interface knows the letters of Latin-1 only; the external format knows them all.
        Err(_) => text_bytes(wide_atom(&term.to_binary()), bytes),
    }
}

/// The text of an atom in external format that is not of Latin-1.
fn wide_atom(external: &[u8]) -> &[u8] {
    match external {
        [_version, WIDE_ATOM, _, _, text @ ..] | [_version, SMALL_WIDE_ATOM, _, text @ ..] => text,
        _ => panic!("an atom beyond Latin-1 is in UTF-8 in external format"),
    }
}

fn binary(term: Term, bytes: &mut Encoded) -> Result<(), NotAKey> {
    let Ok(binary) = Binary::from_term(term) else { return Err(NotAKey::Unsupported(Kind::Bitstring)) };
    if binary.len() > KEY_BYTES_MAX {
        return Err(NotAKey::TooLarge);
    }
    bytes.push(tag::BINARY);
    text_bytes(&binary, bytes);
    Ok(())
}

/// Bytes that end somewhere.
fn text_bytes(text: &[u8], bytes: &mut Encoded) {
    for (at, run) in text.split(|&byte| byte == 0).enumerate() {
        if at > 0 {
            bytes.extend_from_slice(&ESCAPED_ZERO);
        }
        bytes.extend_from_slice(run);
    }
    bytes.extend_from_slice(&END);
}
