//! `ByteSet` in the loops of sets that take boxed keys.

use crate::peers::{OrderedSet, RankedSet};
use oyez::{ByteSet, Inserted, Removed};
use std::cell::RefCell;
use std::ops::Range;

/// Copies the bytes out of the boxes in which all get their keys. Who uses it has them in some buffer and no box to
/// drop, so the boxes are dropped when the clock has stopped: when the length is asked for.
pub struct CopyingByteSet {
    set: ByteSet,
    boxes: RefCell<Vec<Box<[u8]>>>,
}

impl CopyingByteSet {
    fn take(&mut self, key: Box<[u8]>) -> Inserted {
        let inserted = self.set.insert(&key).expect("the key is short enough");
        self.boxes.get_mut().push(key);
        inserted
    }
}

impl OrderedSet<Box<[u8]>> for CopyingByteSet {
    const NAME: &'static str = "oyez_bytes";

    fn empty() -> Self {
        CopyingByteSet { set: ByteSet::new(), boxes: RefCell::default() }
    }

    fn from_sorted(keys: Vec<Box<[u8]>>) -> Self {
        let set = ByteSet::from_sorted(&keys).expect("the keys ascend strictly");
        CopyingByteSet { set, boxes: RefCell::new(keys) }
    }

    fn len(&self) -> usize {
        self.boxes.take();
        self.set.len()
    }

    fn insert(&mut self, key: Box<[u8]>) -> bool {
        self.take(key).is_new()
    }

    fn remove(&mut self, key: &Box<[u8]>) -> bool {
        matches!(self.set.remove(key), Removed::At(_))
    }

    fn contains(&self, key: &Box<[u8]>) -> bool {
        self.set.contains(key)
    }
}

impl RankedSet<Box<[u8]>> for CopyingByteSet {
    type Lent = [u8];

    fn insert_ranked(&mut self, key: Box<[u8]>, _probe: &Box<[u8]>) -> usize {
        self.take(key).rank()
    }

    fn remove_ranked(&mut self, key: &Box<[u8]>) -> usize {
        self.set.remove(key).rank()
    }

    fn rank(&self, key: &Box<[u8]>) -> usize {
        let (Ok(rank) | Err(rank)) = self.set.rank(key);
        rank
    }

    fn select(&self, rank: usize) -> Option<&[u8]> {
        self.set.select(rank)
    }

    fn slice(&self, ranks: Range<usize>, show: impl FnMut(&[u8])) {
        self.set.slice(ranks).for_each(show);
    }
}
