//! serde: a set is the sequence of its keys, in order. What comes in must be in order, too: whoever stored something
//! else has another order, or another kind of key, and is told so.

use super::batch::disorder;
use super::tree::TOO_MANY;
use super::{NotAscending, SortedSet};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;

/// Room made for keys because the input says that it has so many; more as they come.
const ROOM_ON_TRUST: usize = 4096;

/// As the sequence of the keys, in order. O(n).
impl<K: Serialize> Serialize for SortedSet<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self)
    }
}

/// From a sequence of keys that ascend strictly; any other is an error that names the first key out of order. O(n).
impl<'de, K: Ord + Deserialize<'de>> Deserialize<'de> for SortedSet<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Ascending(PhantomData))
    }
}

struct Ascending<K>(PhantomData<K>);

impl<'de, K: Ord + Deserialize<'de>> Visitor<'de> for Ascending<K> {
    type Value = SortedSet<K>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence of keys in strictly ascending order")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<SortedSet<K>, A::Error> {
        let mut keys: Vec<K> = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(ROOM_ON_TRUST));
        while let Some(key) = seq.next_element()? {
            if let Some(disorder) = keys.last().and_then(|previous| disorder(previous, &key)) {
                return Err(A::Error::custom(NotAscending { at: keys.len(), disorder }));
            }
            if keys.len() == u32::MAX as usize - 1 {
                return Err(A::Error::custom(TOO_MANY));
            }
            keys.push(key);
        }
        Ok(SortedSet { tree: SortedSet::new().tree.rebuilt(keys) })
    }
}
