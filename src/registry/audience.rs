//! The sessions that one event goes to: [`Audience`].

use super::session::{PartitionId, SessionId};

/// The sessions of a query at one moment: each once, grouped by partition, counted.
///
/// Made by [`Registry::audience`](super::Registry::audience). It is a copy: later changes of the registry do not show.
#[derive(Clone, Debug)]
pub struct Audience {
    /// By partition, then by place.
    pub(super) sessions: Vec<SessionId>,
    /// The partitions that have sessions in it, and where those end.
    pub(super) ends: Vec<(PartitionId, usize)>,
    pub(super) order: Order,
}

/// What the sessions are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    ByHandle,
    /// Some have moved: where they are is not what their handles say.
    BySeat,
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

    /// The partitions that have sessions in the audience, each once, with those sessions. O(1) each.
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
        let starts = [0].into_iter().chain(self.ends.iter().map(|(_, end)| *end));
        self.ends.iter().zip(starts).map(|((partition, end), start)| (*partition, &self.sessions[start..*end]))
    }

    /// Whether the session is in the audience. O(log n); O(n) when sessions of the registry have moved.
    pub fn contains(&self, session: SessionId) -> bool {
        match self.order {
            Order::ByHandle => self.sessions.binary_search(&session).is_ok(),
            Order::BySeat => self.sessions.contains(&session),
        }
    }
}
