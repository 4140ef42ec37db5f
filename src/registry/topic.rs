//! What sessions subscribe to: [`Topic`], and its [`Subscribers`].

use super::places::Places;
use super::session::PartitionId;
use smallvec::SmallVec;

/// What sessions subscribe to: a guild, a channel, a thread. The number is the host's own; a topic exists while a
/// session is subscribed to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic(pub u64);

/// The subscribers of one topic, by partition; no partition without one.
#[derive(Default)]
pub(super) struct Subscribers {
    by_partition: SmallVec<[(PartitionId, Places); 1]>,
}

impl Subscribers {
    pub fn len(&self) -> usize {
        self.by_partition.iter().map(|(_, places)| places.len()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.by_partition.is_empty()
    }

    /// Adds one that is not there.
    pub fn insert(&mut self, partition: PartitionId, place: usize) {
        match self.by_partition.binary_search_by_key(&partition, |(partition, _)| *partition) {
            Ok(at) => _ = self.by_partition[at].1.insert(place),
            Err(at) => {
                let mut places = Places::default();
                places.insert(place);
                self.by_partition.insert(at, (partition, places));
            }
        }
    }

    pub fn remove(&mut self, partition: PartitionId, place: usize) {
        let Ok(at) = self.by_partition.binary_search_by_key(&partition, |(partition, _)| *partition) else { return };
        self.by_partition[at].1.remove(place);
        if self.by_partition[at].1.is_empty() {
            self.by_partition.remove(at);
        }
    }

    pub fn by_partition(&self) -> &[(PartitionId, Places)] {
        &self.by_partition
    }
}
