//! A key of bytes that is compared eight bytes at a time, and mostly without leaving the node it lies in.
//!
//! Up to 38 bytes lie in the key itself, behind them zeros, and at the end the length. So the order of two short keys
//! is the order of five big-endian words: where one is a prefix of the other, up to zeros, the length decides. A longer
//! key has its first 24 bytes there and all of them elsewhere, and is followed only when those do not decide.
//!
//! **Why not a page** of 8-byte heads behind a common prefix, with the bytes in a heap of its own: `docs::design` has
//! the figures. It would need leaves, splits, merges and copies of its own; with this key the tree, its snapshots and
//! everything over them serve as they are.
//!
//! **Why `unsafe`.** In safe code the pointer to a long key's bytes needs room of its own: 48 bytes instead of 40, a
//! fifth of a set's memory.
#![allow(unsafe_code)]

use std::cmp::Ordering;
use std::fmt;
use std::ptr::{self, NonNull};

/// Bytes that lie in the key itself.
const SHORT_MAX: usize = 38;
/// Bytes of a long key that lie in the key itself, too.
const PREFIX: usize = 24;
/// The longest key.
pub(crate) const LEN_MAX: usize = u16::MAX as usize;

/// The bytes of a key of a [`ByteSet`](super::ByteSet), for other sets: up to 65,535 of them, in 40 bytes without an
/// allocation when there are at most 38.
pub struct ByteKey {
    content: Content,
}

#[repr(C)]
union Content {
    short: Short,
    long: Long,
}

/// Also readable of a long key: `bytes[..PREFIX]` and `len`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Short {
    bytes: [u8; SHORT_MAX],
    /// Big-endian.
    len: [u8; 2],
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Long {
    prefix: [u8; PREFIX],
    /// Made of a `Box<[u8]>` of the key's length.
    heap: NonNull<u8>,
    unused: [u8; SHORT_MAX - PREFIX - size_of::<usize>()],
    len: [u8; 2],
}

const _: () = assert!(size_of::<Short>() == 40 && size_of::<Long>() == 40);

// SAFETY: a key owns its bytes, as a `Box<[u8]>` does.
unsafe impl Send for ByteKey {}
// SAFETY: as above; they are never written.
unsafe impl Sync for ByteKey {}

/// A key has more than 65,535 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyTooLong {
    /// How many it has.
    pub len: usize,
}

impl ByteKey {
    /// A key of these bytes.
    ///
    /// # Errors
    ///
    /// [`KeyTooLong`] when there are more than 65,535.
    pub fn new(bytes: &[u8]) -> Result<Self, KeyTooLong> {
        let len = match u16::try_from(bytes.len()) {
            Ok(len) => len.to_be_bytes(),
            Err(_) => return Err(KeyTooLong { len: bytes.len() }),
        };
        if bytes.len() <= SHORT_MAX {
            let mut short = Short { bytes: [0; SHORT_MAX], len };
            short.bytes[..bytes.len()].copy_from_slice(bytes);
            return Ok(ByteKey { content: Content { short } });
        }
        let prefix = bytes[..PREFIX].try_into().expect("a long key is longer than its prefix");
        let heap = NonNull::from(Box::leak(Box::<[u8]>::from(bytes))).cast();
        Ok(ByteKey { content: Content { long: Long { prefix, heap, unused: [0; _], len } } })
    }

    #[inline]
    fn short(&self) -> &Short {
        // SAFETY: any bytes make a `Short`, and a `Long` has no byte that is not initialised.
        unsafe { &self.content.short }
    }

    /// The number of bytes. O(1).
    #[inline]
    pub fn len(&self) -> usize {
        u16::from_be_bytes(self.short().len).into()
    }

    /// Whether there are none. O(1).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes. O(1).
    pub fn as_bytes(&self) -> &[u8] {
        let len = self.len();
        if len <= SHORT_MAX {
            return &self.short().bytes[..len];
        }
        // SAFETY: so long a key was made with `long`, and its heap holds `len` bytes as long as it lives.
        unsafe { std::slice::from_raw_parts(self.content.long.heap.as_ptr(), len) }
    }

    /// Eight bytes as a number of their order.
    #[inline]
    fn word(&self, at: usize) -> u64 {
        let short = self.short();
        match at {
            4 => {
                let mut word = [0; 8];
                word[..6].copy_from_slice(&short.bytes[32..]);
                word[6..].copy_from_slice(&short.len);
                u64::from_be_bytes(word)
            }
            _ => u64::from_be_bytes(short.bytes[8 * at..8 * at + 8].try_into().expect("eight bytes")),
        }
    }

    /// When the first 24 bytes do not decide.
    fn cmp_rest(&self, other: &Self) -> Ordering {
        if self.len().max(other.len()) > SHORT_MAX {
            return self.as_bytes().cmp(other.as_bytes());
        }
        (self.word(3), self.word(4)).cmp(&(other.word(3), other.word(4)))
    }
}

impl Ord for ByteKey {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        for at in 0..PREFIX / 8 {
            let (own, others) = (self.word(at), other.word(at));
            if own != others {
                return own.cmp(&others);
            }
        }
        self.cmp_rest(other)
    }
}

impl PartialOrd for ByteKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ByteKey {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for ByteKey {}

impl std::hash::Hash for ByteKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl std::borrow::Borrow<[u8]> for ByteKey {
    fn borrow(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl AsRef<[u8]> for ByteKey {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl Clone for ByteKey {
    fn clone(&self) -> Self {
        if self.len() > SHORT_MAX {
            return ByteKey::new(self.as_bytes()).expect("no longer than it was");
        }
        ByteKey { content: Content { short: *self.short() } }
    }
}

impl Drop for ByteKey {
    #[inline]
    fn drop(&mut self) {
        let len = self.len();
        if len > SHORT_MAX {
            // SAFETY: made of a `Box<[u8]>` of this length, which only this key owns.
            drop(unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(self.content.long.heap.as_ptr(), len)) });
        }
    }
}

impl fmt::Debug for ByteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.as_bytes().escape_ascii())
    }
}

impl fmt::Display for KeyTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a key of {} bytes is longer than {LEN_MAX}", self.len)
    }
}

impl std::error::Error for KeyTooLong {}
