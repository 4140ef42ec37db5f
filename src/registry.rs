//! Who is subscribed to what: [`Registry`], and the [`Audience`] of an event.
//!
//! A single-owner value: state in, answers out, deterministic. [`Fanout`](crate::Fanout) puts it to use from many
//! threads. Storage is simple for now (a sorted set of slots for each topic, a sorted vector of topics for each
//! session); the interface is the one that stays.

mod audience;
mod query;
mod session;
mod topic;

pub use audience::Audience;
pub use query::Query;
pub use session::{PartitionId, SessionId};
pub use topic::Topic;

pub(crate) use session::SlotLayout;

use crate::sorted_set::SortedSet;
use ahash::AHashMap;
use session::{Sessions, Slot};
use std::fmt;

/// The subscribers of one topic. In slot order, so that an audience comes out grouped by partition.
type Subscribers = SortedSet<Slot>;

/// Sessions, their topics, and the audiences that follow.
///
/// # Examples
///
/// ```
/// use oyez::{PartitionId, Query, Registry, RegistryOptions, Topic};
///
/// let mut registry = Registry::new(RegistryOptions::default().partitions(2));
/// let ada = registry.connect(PartitionId(0)).unwrap();
/// let bob = registry.connect(PartitionId(1)).unwrap();
/// for topic in [Topic(1), Topic(2)] {
///     registry.subscribe(ada, topic).unwrap();
///     registry.subscribe(bob, topic).unwrap();
/// }
/// let audience = registry.audience(&Query::any_of([Topic(1), Topic(2)]).except(bob));
/// assert_eq!(audience.sessions(), [ada]);
/// ```
pub struct Registry {
    options: RegistryOptions,
    layout: SlotLayout,
    partitions: Vec<Sessions>,
    topics: AHashMap<Topic, Subscribers>,
    subscriptions: usize,
}

/// Sizes and limits of a [`Registry`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RegistryOptions {
    /// Number of partitions. Default 1.
    pub partitions: u16,
    /// Sessions a partition may hold. Default 4,194,304, cut to what the handle leaves room for: 2^32 divided by the
    /// number of partitions, rounded up to a power of two.
    pub sessions_per_partition_max: usize,
    /// Topics a session may be subscribed to. Default 10,000.
    pub topics_per_session_max: usize,
}

impl Default for RegistryOptions {
    fn default() -> Self {
        RegistryOptions { partitions: 1, sessions_per_partition_max: 1 << 22, topics_per_session_max: 10_000 }
    }
}

impl RegistryOptions {
    /// Sets the number of partitions.
    pub fn partitions(self, partitions: u16) -> Self {
        RegistryOptions { partitions, ..self }
    }

    /// Sets how many sessions a partition may hold.
    pub fn sessions_per_partition_max(self, sessions_per_partition_max: usize) -> Self {
        RegistryOptions { sessions_per_partition_max, ..self }
    }

    /// Sets how many topics a session may be subscribed to.
    pub fn topics_per_session_max(self, topics_per_session_max: usize) -> Self {
        RegistryOptions { topics_per_session_max, ..self }
    }
}

/// What [`Registry::subscribe`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subscribed {
    /// The session is subscribed from now on.
    New,
    /// It was subscribed before.
    Already,
}

/// What [`Registry::unsubscribe`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsubscribed {
    /// The session is no longer subscribed.
    Left,
    /// It was not subscribed.
    WasNot,
}

/// Whether a session is in an audience, and why not. Answer of [`Registry::explain`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It is; this is the first topic of the query that it is subscribed to.
    Included(Topic),
    /// It is subscribed, but the query excludes it.
    Excluded,
    /// It is subscribed to none of the query's topics.
    NotSubscribed,
    /// No session with this handle is connected.
    NoSuchSession,
}

/// No session with this handle is connected: it has disconnected, or the number was never a handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchSession;

/// The partition's number is not below the number of partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchPartition(pub PartitionId);

/// Why [`Registry::connect`] refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectError {
    /// There is no partition of this number.
    NoSuchPartition(PartitionId),
    /// The partition holds as many sessions as it may.
    PartitionFull {
        /// The limit.
        max: usize,
    },
}

/// Why [`Registry::subscribe`] refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscribeError {
    /// No session with this handle is connected.
    NoSuchSession,
    /// The session is subscribed to as many topics as it may be.
    TooManyTopics {
        /// The limit.
        max: usize,
    },
}

/// Sizes of a [`Registry`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RegistryStats {
    /// Sessions connected.
    pub sessions: usize,
    /// Topics with at least one subscriber.
    pub topics: usize,
    /// Pairs of session and topic.
    pub subscriptions: usize,
}

impl Registry {
    /// An empty registry. O(partitions).
    ///
    /// # Panics
    ///
    /// With no partition.
    pub fn new(options: RegistryOptions) -> Self {
        assert!(options.partitions > 0, "a registry needs at least one partition");
        Registry {
            layout: SlotLayout::for_partitions(options.partitions),
            partitions: (0..options.partitions).map(|_| Sessions::default()).collect(),
            topics: AHashMap::new(),
            subscriptions: 0,
            options,
        }
    }

    /// The number of partitions. O(1).
    pub fn partition_count(&self) -> usize {
        self.partitions.len()
    }

    /// Connects a session to a partition. Amortised O(log n).
    ///
    /// # Errors
    ///
    /// When the partition does not exist, or is full.
    pub fn connect(&mut self, partition: PartitionId) -> Result<SessionId, ConnectError> {
        let sessions =
            self.partitions.get_mut(usize::from(partition.0)).ok_or(ConnectError::NoSuchPartition(partition))?;
        let max = self.options.sessions_per_partition_max.min(self.layout.places_max());
        let place = sessions.connect(max).ok_or(ConnectError::PartitionFull { max })?;
        Ok(sessions.handle(self.layout.slot(partition, place), place))
    }

    /// Ends a session: no audience made from now on contains it, and its handle is unknown. Returns the number of
    /// topics it was subscribed to. O(log n) for each of them.
    ///
    /// # Errors
    ///
    /// When no such session is connected.
    pub fn disconnect(&mut self, session: SessionId) -> Result<usize, NoSuchSession> {
        let place = self.place_of(session)?;
        self.end_session(session.slot, place).ok_or(NoSuchSession)
    }

    /// Ends all sessions of a partition, as if each had disconnected; returns their number. The partition stays and
    /// takes new sessions. O(log n) for each subscription.
    ///
    /// # Errors
    ///
    /// When there is no such partition.
    pub fn drop_partition(&mut self, partition: PartitionId) -> Result<usize, NoSuchPartition> {
        let sessions = self.partitions.get(usize::from(partition.0)).ok_or(NoSuchPartition(partition))?;
        let places: Vec<usize> = sessions.iter().map(|(place, _)| place).collect();
        for &place in &places {
            self.end_session(self.layout.slot(partition, place), place);
        }
        Ok(places.len())
    }

    fn end_session(&mut self, slot: Slot, place: usize) -> Option<usize> {
        let partition = self.layout.partition(slot);
        let occupant = self.partitions[usize::from(partition.0)].disconnect(place)?;
        for &topic in &occupant.topics {
            self.remove_subscriber(topic, slot);
        }
        self.subscriptions -= occupant.topics.len();
        Some(occupant.topics.len())
    }

    fn remove_subscriber(&mut self, topic: Topic, slot: Slot) {
        let Some(subscribers) = self.topics.get_mut(&topic) else {
            return;
        };
        subscribers.remove(&slot);
        if subscribers.is_empty() {
            self.topics.remove(&topic);
        }
    }

    /// Subscribes a session to a topic. O(log n) in the topic's subscribers, O(t) in the session's topics.
    ///
    /// # Errors
    ///
    /// When no such session is connected, or it has too many topics; nothing has changed then.
    pub fn subscribe(&mut self, session: SessionId, topic: Topic) -> Result<Subscribed, SubscribeError> {
        let max = self.options.topics_per_session_max;
        let occupant = self.occupant_mut(session).ok_or(SubscribeError::NoSuchSession)?;
        let Err(at) = occupant.topics.binary_search(&topic) else {
            return Ok(Subscribed::Already);
        };
        if occupant.topics.len() >= max {
            return Err(SubscribeError::TooManyTopics { max });
        }
        occupant.topics.insert(at, topic);
        self.topics.entry(topic).or_default().insert(session.slot);
        self.subscriptions += 1;
        Ok(Subscribed::New)
    }

    /// Ends a subscription. O(log n) in the topic's subscribers, O(t) in the session's topics.
    ///
    /// # Errors
    ///
    /// When no such session is connected.
    pub fn unsubscribe(&mut self, session: SessionId, topic: Topic) -> Result<Unsubscribed, NoSuchSession> {
        let occupant = self.occupant_mut(session).ok_or(NoSuchSession)?;
        let Ok(at) = occupant.topics.binary_search(&topic) else {
            return Ok(Unsubscribed::WasNot);
        };
        occupant.topics.remove(at);
        self.remove_subscriber(topic, session.slot);
        self.subscriptions -= 1;
        Ok(Unsubscribed::Left)
    }

    /// The sessions that a query means, each once, grouped by partition, with the exact count. O(n) for one topic,
    /// O(n log n) for several, in the sum of their subscribers.
    pub fn audience(&self, query: &Query) -> Audience {
        self.audience_in(query, Vec::new())
    }

    /// The audience, in memory that is given.
    pub(crate) fn audience_in(&self, query: &Query, mut sessions: Vec<SessionId>) -> Audience {
        sessions.clear();
        for topic in &query.topics {
            let Some(subscribers) = self.topics.get(topic) else {
                continue;
            };
            sessions.extend(subscribers.iter().map(|&slot| self.handle(slot)));
        }
        if query.topics.len() > 1 {
            sessions.sort_unstable();
            sessions.dedup();
        }
        if !query.except.is_empty() {
            sessions.retain(|session| query.except.binary_search(session).is_err());
        }
        Audience { layout: self.layout, sessions }
    }

    /// Says whether a session is in a query's audience, and which rule keeps it out. O(topics of the query).
    ///
    /// ```
    /// use oyez::{PartitionId, Query, Registry, RegistryOptions, Topic, Verdict};
    ///
    /// let mut registry = Registry::new(RegistryOptions::default());
    /// let ada = registry.connect(PartitionId(0)).unwrap();
    /// registry.subscribe(ada, Topic(7)).unwrap();
    /// assert_eq!(registry.explain(ada, &Query::topic(Topic(7))), Verdict::Included(Topic(7)));
    /// assert_eq!(registry.explain(ada, &Query::topic(Topic(7)).except(ada)), Verdict::Excluded);
    /// assert_eq!(registry.explain(ada, &Query::topic(Topic(8))), Verdict::NotSubscribed);
    /// registry.disconnect(ada).unwrap();
    /// assert_eq!(registry.explain(ada, &Query::topic(Topic(7))), Verdict::NoSuchSession);
    /// ```
    pub fn explain(&self, session: SessionId, query: &Query) -> Verdict {
        let Ok(topics) = self.topics_of(session) else {
            return Verdict::NoSuchSession;
        };
        match query.topics.iter().find(|topic| topics.binary_search(topic).is_ok()) {
            None => Verdict::NotSubscribed,
            Some(_) if query.except.binary_search(&session).is_ok() => Verdict::Excluded,
            Some(&topic) => Verdict::Included(topic),
        }
    }

    /// Whether the session is connected. O(1).
    pub fn is_connected(&self, session: SessionId) -> bool {
        self.topics_of(session).is_ok()
    }

    /// The topics a session is subscribed to, in order. O(1).
    ///
    /// # Errors
    ///
    /// When no such session is connected.
    pub fn topics_of(&self, session: SessionId) -> Result<&[Topic], NoSuchSession> {
        let partition = self.layout.partition(session.slot);
        self.partitions
            .get(usize::from(partition.0))
            .and_then(|sessions| sessions.get(self.layout.place(session.slot), session))
            .map(|occupant| occupant.topics.as_slice())
            .ok_or(NoSuchSession)
    }

    /// The partition a session lives on. O(1).
    ///
    /// # Errors
    ///
    /// When no such session is connected.
    pub fn partition_of(&self, session: SessionId) -> Result<PartitionId, NoSuchSession> {
        self.place_of(session).map(|_| self.layout.partition(session.slot))
    }

    /// The number of subscribers of a topic. O(1).
    pub fn topic_len(&self, topic: Topic) -> usize {
        self.topics.get(&topic).map_or(0, Subscribers::len)
    }

    /// Sizes. O(partitions).
    pub fn stats(&self) -> RegistryStats {
        RegistryStats {
            sessions: self.partitions.iter().map(Sessions::len).sum(),
            topics: self.topics.len(),
            subscriptions: self.subscriptions,
        }
    }

    pub(crate) fn layout(&self) -> SlotLayout {
        self.layout
    }

    fn handle(&self, slot: Slot) -> SessionId {
        let partition = self.layout.partition(slot);
        self.partitions[usize::from(partition.0)].handle(slot, self.layout.place(slot))
    }

    fn place_of(&self, session: SessionId) -> Result<usize, NoSuchSession> {
        self.topics_of(session).map(|_| self.layout.place(session.slot))
    }

    fn occupant_mut(&mut self, session: SessionId) -> Option<&mut session::Occupant> {
        let partition = self.layout.partition(session.slot);
        let place = self.layout.place(session.slot);
        self.partitions.get_mut(usize::from(partition.0))?.get_mut(place, session)
    }

    /// Checks that both directions of every subscription agree; returns the number of subscriptions. O(n log n). For
    /// tests.
    ///
    /// # Errors
    ///
    /// A sentence that says what is wrong.
    #[doc(hidden)]
    pub fn validate(&self) -> Result<usize, String> {
        let mut forward = 0;
        for (topic, subscribers) in &self.topics {
            forward += subscribers.validate()?;
            if subscribers.is_empty() {
                return Err(format!("{topic:?} is kept without subscribers"));
            }
            for &slot in subscribers {
                let topics = self.topics_of(self.handle(slot));
                if !topics.is_ok_and(|topics| topics.binary_search(topic).is_ok()) {
                    return Err(format!("{topic:?} holds {slot:?}, which is not subscribed to it"));
                }
            }
        }
        if forward != self.subscriptions {
            return Err(format!("{forward} subscriptions, counted as {}", self.subscriptions));
        }
        let backward: usize =
            self.partitions.iter().flat_map(Sessions::iter).map(|(_, occupant)| occupant.topics.len()).sum();
        if backward != forward {
            return Err(format!("{forward} subscriptions by topic, {backward} by session"));
        }
        Ok(forward)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("options", &self.options).field("stats", &self.stats()).finish()
    }
}

impl fmt::Display for NoSuchSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no session with this handle is connected")
    }
}

impl fmt::Display for NoSuchPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no partition {}", self.0.0)
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectError::NoSuchPartition(partition) => NoSuchPartition(*partition).fmt(f),
            ConnectError::PartitionFull { max } => {
                write!(f, "the partition holds {max} sessions, its limit")
            }
        }
    }
}

impl fmt::Display for SubscribeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SubscribeError::NoSuchSession => NoSuchSession.fmt(f),
            SubscribeError::TooManyTopics { max } => {
                write!(f, "the session is subscribed to {max} topics, its limit")
            }
        }
    }
}

impl std::error::Error for NoSuchSession {}
impl std::error::Error for NoSuchPartition {}
impl std::error::Error for ConnectError {}
impl std::error::Error for SubscribeError {}
