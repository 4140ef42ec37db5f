//! The sessions that one event goes to: [`Audience`].

use super::session::{PartitionId, SessionId, SlotLayout};

/// The sessions of a query at one moment: each once, grouped by partition, counted.
///
/// Made by [`Registry::audience`](super::Registry::audience). It is a copy: later changes of the registry do not show.
#[derive(Clone, Debug)]
pub struct Audience {
    pub(super) layout: SlotLayout,
    /// In slot order.
    pub(super) sessions: Vec<SessionId>,
}

impl Audience {
    /// The exact number of sessions. O(1).
    pub fn count(&self) -> usize {
        self.sessions.len()
    }

    /// Whether nobody is in it. O(1).
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// All sessions, by partition. O(1).
    pub fn sessions(&self) -> &[SessionId] {
        &self.sessions
    }

    /// The partitions that have sessions in the audience, each once, with those sessions. O(partitions x log n).
    ///
    /// ```
    /// use oyez::{PartitionId, Query, Registry, RegistryOptions, Topic};
    ///
    /// let mut registry = Registry::new(RegistryOptions::default().partitions(4));
    /// for partition in [3, 1, 3] {
    ///     let session = registry.connect(PartitionId(partition)).unwrap();
    ///     registry.subscribe(session, Topic(7)).unwrap();
    /// }
    /// let audience = registry.audience(&Query::topic(Topic(7)));
    /// let sizes: Vec<_> = audience.partitions().map(|(partition, sessions)| (partition.0, sessions.len())).collect();
    /// assert_eq!(audience.count(), 3);
    /// assert_eq!(sizes, [(1, 1), (3, 2)]);
    /// ```
    pub fn partitions(&self) -> impl Iterator<Item = (PartitionId, &[SessionId])> {
        let mut rest = self.sessions.as_slice();
        std::iter::from_fn(move || {
            let partition = self.layout.partition(rest.first()?.slot);
            let len = rest.partition_point(|session| self.layout.partition(session.slot) == partition);
            let (group, behind) = rest.split_at(len);
            rest = behind;
            Some((partition, group))
        })
    }

    /// Whether the session is in the audience. O(log n).
    pub fn contains(&self, session: SessionId) -> bool {
        self.sessions.binary_search(&session).is_ok()
    }

    pub(crate) fn into_sessions(self) -> Vec<SessionId> {
        self.sessions
    }
}
