//! serde: a ranking is the sequence of its (id, score) pairs in rank order, and only such a sequence comes in.

use super::{Ranking, Standing};
use crate::SortedSet;
use ahash::AHashMap;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::hash::Hash;

/// As the sequence of (id, score) in rank order. O(n).
impl<Id: Serialize, Score: Serialize> Serialize for Ranking<Id, Score> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self)
    }
}

/// From (id, score) pairs in rank order. Pairs that do not ascend strictly by score, then by id, and an id that comes
/// twice, are errors that say where. O(n).
impl<'de, Id, Score> Deserialize<'de> for Ranking<Id, Score>
where
    Id: Hash + Ord + Clone + Deserialize<'de>,
    Score: Ord + Clone + Deserialize<'de>,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let order = SortedSet::<Standing<Id, Score>>::deserialize(deserializer)?;
        let mut scores = AHashMap::with_capacity(order.len());
        for (rank, Standing { score, id }) in order.iter().enumerate() {
            if scores.insert(id.clone(), score.clone()).is_some() {
                return Err(D::Error::custom(format_args!("key {rank} has an id that came before with another score")));
            }
        }
        Ok(Ranking { scores, order })
    }
}

impl<'de, Id: Deserialize<'de>, Score: Deserialize<'de>> Deserialize<'de> for Standing<Id, Score> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (id, score) = Deserialize::deserialize(deserializer)?;
        Ok(Standing { score, id })
    }
}
