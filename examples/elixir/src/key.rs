//! What the sets hold: a term as bytes whose order is the term's.

use smallvec::SmallVec;
use std::borrow::Borrow;

/// Bytes of an encoded term. A key of 16 bytes or fewer, such as any integer of 64 bits or a short name, lies in the
/// tree's node itself.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key(SmallVec<[u8; 16]>);

impl Key {
    pub fn new(bytes: &[u8]) -> Self {
        Key(SmallVec::from_slice(bytes))
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}
