//! Who is subscribed to what: [`Registry`], and the [`Audience`] of an event.
//!
//! A single-owner value: state in, answers out, deterministic. [`Fanout`](crate::Fanout) puts it to use from many
//! threads. A topic has a set of places for each partition (`places.rs`), which is cheap to copy, a session a sorted
//! vector of its topics.

mod audience;
mod places;
mod query;
mod session;
mod topic;

pub use audience::Audience;
pub use query::Query;
pub use session::{PartitionId, SessionId};
pub use topic::Topic;

pub(crate) use places::{CHUNK_PLACES, CHUNK_WORDS, Places, for_each_bit};
pub(crate) use session::{Seat, SlotLayout};

use ahash::AHashMap;
use audience::Order;
use session::{Occupant, Sessions, Slot};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::fmt;
use topic::Subscribers;

/// The sessions of an audience, by partition; no partition without one.
pub(crate) type Addressed<'a> = SmallVec<[(PartitionId, Cow<'a, Places>); 2]>;

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
    /// Seats of the sessions that have moved, and the handles of those seats.
    moved: AHashMap<SessionId, Seat>,
    handles: AHashMap<Seat, SessionId>,
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

/// Why [`Registry::move_to`] refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MoveError {
    /// No session with this handle is connected.
    NoSuchSession,
    /// There is no partition of this number.
    NoSuchPartition(PartitionId),
    /// The partition holds as many sessions as it may.
    PartitionFull {
        /// The limit.
        max: usize,
    },
    /// The session's events are in other hands: a worker's callback has its batch, or its outbox is open.
    Busy,
    /// The partition's budget has no room for what is pending for the session or not acknowledged.
    OverBudget,
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
            moved: AHashMap::new(),
            handles: AHashMap::new(),
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
        self.connect_after(partition, 0)
    }

    /// Connects a session, and remembers what was published before.
    pub(crate) fn connect_after(&mut self, partition: PartitionId, published: u64) -> Result<SessionId, ConnectError> {
        let topics = Vec::new();
        let seat = self.seat(partition, || Occupant { topics, connected_after: published, seated_after: published })?;
        Ok(seat.as_handle())
    }

    /// Takes a place in a partition.
    fn seat(&mut self, partition: PartitionId, occupant: impl FnOnce() -> Occupant) -> Result<Seat, ConnectError> {
        let max = self.options.sessions_per_partition_max.min(self.layout.places_max());
        let sessions =
            self.partitions.get_mut(usize::from(partition.0)).ok_or(ConnectError::NoSuchPartition(partition))?;
        let place = sessions.seat(max, occupant).ok_or(ConnectError::PartitionFull { max })?;
        Ok(sessions.seat_at(self.layout.slot(partition, place), place))
    }

    /// Moves a session to another partition: it keeps its handle and its subscriptions. O(log n) for each of those;
    /// O(1) if it is there already.
    ///
    /// # Errors
    ///
    /// When no such session is connected, the partition does not exist, or it is full; nothing has changed then.
    ///
    /// ```
    /// use oyez::{PartitionId, Query, Registry, RegistryOptions, Topic};
    ///
    /// let mut registry = Registry::new(RegistryOptions::default().partitions(2));
    /// let ada = registry.connect(PartitionId(0)).unwrap();
    /// registry.subscribe(ada, Topic(7)).unwrap();
    /// registry.move_to(ada, PartitionId(1)).unwrap();
    /// assert_eq!(registry.partition_of(ada), Ok(PartitionId(1)));
    /// assert_eq!(registry.audience(&Query::topic(Topic(7))).sessions(), [ada]);
    /// ```
    pub fn move_to(&mut self, session: SessionId, partition: PartitionId) -> Result<(), MoveError> {
        self.move_after(session, partition, 0).map(|_| ())
    }

    /// Whether a partition has a place left.
    ///
    /// # Errors
    ///
    /// When there is no such partition, or it is full.
    pub(crate) fn check_room(&self, partition: PartitionId) -> Result<(), ConnectError> {
        let max = self.options.sessions_per_partition_max.min(self.layout.places_max());
        let sessions = self.partitions.get(usize::from(partition.0)).ok_or(ConnectError::NoSuchPartition(partition))?;
        if sessions.has_room(max) { Ok(()) } else { Err(ConnectError::PartitionFull { max }) }
    }

    /// Moves a session, and remembers what was published before; its new seat.
    pub(crate) fn move_after(
        &mut self,
        session: SessionId,
        partition: PartitionId,
        published: u64,
    ) -> Result<Seat, MoveError> {
        let old = self.seat_of(session).map_err(|NoSuchSession| MoveError::NoSuchSession)?;
        if old.partition(self.layout) == partition {
            return Ok(old);
        }
        let new = self.seat(partition, Occupant::default)?;
        let left = self.partitions[usize::from(old.partition(self.layout).0)].leave(old.place(self.layout));
        let mut occupant = left.expect("it has a seat");
        occupant.seated_after = published;
        for &topic in &occupant.topics {
            self.remove_subscriber(topic, old.slot);
            let place = new.place(self.layout);
            self.topics.entry(topic).or_default().insert(partition, place);
        }
        if let Some(place) = self.occupant_mut(new) {
            *place = occupant;
        }
        self.handles.remove(&old);
        self.moved.insert(session, new);
        self.handles.insert(new, session);
        Ok(new)
    }

    /// Ends a session: no audience made from now on contains it, and its handle is unknown. Returns the number of
    /// topics it was subscribed to. O(log n) for each of them.
    ///
    /// # Errors
    ///
    /// When no such session is connected.
    pub fn disconnect(&mut self, session: SessionId) -> Result<usize, NoSuchSession> {
        let seat = self.seat_of(session)?;
        self.end_session(seat).ok_or(NoSuchSession)
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
            self.end_session(self.seat_at(partition, place));
        }
        Ok(places.len())
    }

    fn end_session(&mut self, seat: Seat) -> Option<usize> {
        let partition = seat.partition(self.layout);
        let occupant = self.partitions[usize::from(partition.0)].leave(seat.place(self.layout))?;
        for &topic in &occupant.topics {
            self.remove_subscriber(topic, seat.slot);
        }
        if let Some(session) = self.handles.remove(&seat) {
            self.moved.remove(&session);
        }
        self.subscriptions -= occupant.topics.len();
        Some(occupant.topics.len())
    }

    fn remove_subscriber(&mut self, topic: Topic, slot: Slot) {
        let Some(subscribers) = self.topics.get_mut(&topic) else {
            return;
        };
        subscribers.remove(self.layout.partition(slot), self.layout.place(slot));
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
        let seat = self.seat_of(session).map_err(|NoSuchSession| SubscribeError::NoSuchSession)?;
        let occupant = self.occupant_mut(seat).ok_or(SubscribeError::NoSuchSession)?;
        let Err(at) = occupant.topics.binary_search(&topic) else {
            return Ok(Subscribed::Already);
        };
        if occupant.topics.len() >= max {
            return Err(SubscribeError::TooManyTopics { max });
        }
        occupant.topics.insert(at, topic);
        let (partition, place) = (seat.partition(self.layout), seat.place(self.layout));
        self.topics.entry(topic).or_default().insert(partition, place);
        self.subscriptions += 1;
        Ok(Subscribed::New)
    }

    /// Ends a subscription. O(log n) in the topic's subscribers, O(t) in the session's topics.
    ///
    /// # Errors
    ///
    /// When no such session is connected.
    pub fn unsubscribe(&mut self, session: SessionId, topic: Topic) -> Result<Unsubscribed, NoSuchSession> {
        let seat = self.seat_of(session)?;
        let occupant = self.occupant_mut(seat).ok_or(NoSuchSession)?;
        let Ok(at) = occupant.topics.binary_search(&topic) else {
            return Ok(Unsubscribed::WasNot);
        };
        occupant.topics.remove(at);
        self.remove_subscriber(topic, seat.slot);
        self.subscriptions -= 1;
        Ok(Unsubscribed::Left)
    }

    /// The sessions that a query means, each once, grouped by partition, with the exact count. O(n) in their number,
    /// and for several topics O(n log n) in the sum of their subscribers.
    pub fn audience(&self, query: &Query) -> Audience {
        let mut sessions = Vec::new();
        let mut ends = Vec::new();
        for (partition, places) in self.addressed(query) {
            sessions.reserve(places.len());
            places.for_each(|place| sessions.push(self.handle_of(self.seat_at(partition, place))));
            ends.push((partition, sessions.len()));
        }
        let order = if self.handles.is_empty() { Order::ByHandle } else { Order::BySeat };
        Audience { sessions, ends, order }
    }

    /// How many sessions a query means: the count of its [`audience`](Self::audience), which is not made for that. For
    /// one topic O(partitions + n) in the sessions left out; for more as much as it takes to merge them.
    ///
    /// ```
    /// use oyez::{PartitionId, Query, Registry, RegistryOptions, Topic};
    ///
    /// let mut registry = Registry::new(RegistryOptions::default());
    /// let ada = registry.connect(PartitionId(0)).unwrap();
    /// registry.subscribe(ada, Topic(1)).unwrap();
    /// registry.subscribe(ada, Topic(2)).unwrap();
    /// assert_eq!(registry.count(&Query::any_of([Topic(1), Topic(2)])), 1);
    /// assert_eq!(registry.count(&Query::topic(Topic(1)).except(ada)), 0);
    /// ```
    pub fn count(&self, query: &Query) -> usize {
        self.addressed(query).iter().map(|(_, places)| places.len()).sum()
    }

    /// The sessions that a query means, as sets of places. For one topic and nobody left out O(1), and nothing is
    /// copied.
    pub(crate) fn addressed(&self, query: &Query) -> Addressed<'_> {
        let mut topics = query.topics.iter().filter_map(|topic| self.topics.get(topic));
        let mut addressed: Addressed<'_> = match topics.next() {
            Some(first) => first.by_partition().iter().map(|(at, places)| (*at, Cow::Borrowed(places))).collect(),
            None => return Addressed::new(),
        };
        for (partition, places) in topics.flat_map(|subscribers| subscribers.by_partition()) {
            match addressed.binary_search_by_key(partition, |(partition, _)| *partition) {
                Ok(at) => addressed[at].1.to_mut().add_all(places),
                Err(at) => addressed.insert(at, (*partition, Cow::Borrowed(places))),
            }
        }
        for seat in query.except.iter().filter_map(|session| self.seat_of(*session).ok()) {
            let partition = seat.partition(self.layout);
            let Ok(at) = addressed.binary_search_by_key(&partition, |(partition, _)| *partition) else { continue };
            let (place, places) = (seat.place(self.layout), &mut addressed[at].1);
            if places.contains(place) {
                places.to_mut().remove(place);
            }
            if places.is_empty() {
                addressed.remove(at);
            }
        }
        addressed
    }

    /// What was published when the session connected, and when it came to where it is.
    pub(crate) fn here_since(&self, session: SessionId) -> Result<(u64, u64), NoSuchSession> {
        self.occupant(session).map(|occupant| (occupant.connected_after, occupant.seated_after))
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
        self.occupant(session).map(|occupant| occupant.topics.as_slice())
    }

    fn occupant(&self, session: SessionId) -> Result<&Occupant, NoSuchSession> {
        self.occupant_of(self.seat_now(session)).ok_or(NoSuchSession)
    }

    fn occupant_of(&self, seat: Seat) -> Option<&Occupant> {
        self.partitions.get(usize::from(seat.partition(self.layout).0))?.get(seat.place(self.layout), seat)
    }

    fn occupant_mut(&mut self, seat: Seat) -> Option<&mut Occupant> {
        let (partition, place) = (seat.partition(self.layout), seat.place(self.layout));
        self.partitions.get_mut(usize::from(partition.0))?.get_mut(place, seat)
    }

    /// Where a session is, if it is connected.
    fn seat_now(&self, session: SessionId) -> Seat {
        match self.moved.is_empty() {
            true => session.first_seat(),
            false => self.moved.get(&session).copied().unwrap_or(session.first_seat()),
        }
    }

    /// Where a connected session is.
    pub(crate) fn seat_of(&self, session: SessionId) -> Result<Seat, NoSuchSession> {
        let seat = self.seat_now(session);
        // A seat that is a moved session's is no handle.
        let is_anothers = !self.handles.is_empty() && self.handles.get(&seat).is_some_and(|handle| *handle != session);
        if is_anothers { Err(NoSuchSession) } else { self.occupant_of(seat).map(|_| seat).ok_or(NoSuchSession) }
    }

    /// The handle of a connected session.
    pub(crate) fn handle_of(&self, seat: Seat) -> SessionId {
        match self.handles.is_empty() {
            true => seat.as_handle(),
            false => self.handles.get(&seat).copied().unwrap_or(seat.as_handle()),
        }
    }

    fn seat_at(&self, partition: PartitionId, place: usize) -> Seat {
        self.partitions[usize::from(partition.0)].seat_at(self.layout.slot(partition, place), place)
    }

    /// The partition a session lives on. O(1).
    ///
    /// # Errors
    ///
    /// When no such session is connected.
    pub fn partition_of(&self, session: SessionId) -> Result<PartitionId, NoSuchSession> {
        self.seat_of(session).map(|seat| seat.partition(self.layout))
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
            if subscribers.is_empty() {
                return Err(format!("{topic:?} is kept without subscribers"));
            }
            for (partition, places) in subscribers.by_partition() {
                forward += places.validate()?;
                let is_held = |place| {
                    let occupant = self.occupant_of(self.seat_at(*partition, place));
                    occupant.is_some_and(|occupant| occupant.topics.binary_search(topic).is_ok())
                };
                let mut strangers = 0;
                places.for_each(|place| strangers += usize::from(!is_held(place)));
                if strangers > 0 || places.is_empty() {
                    return Err(format!("{topic:?} holds {strangers} of {partition:?} that are not subscribed to it"));
                }
            }
        }
        if forward != self.subscriptions {
            return Err(format!("{forward} subscriptions, counted as {}", self.subscriptions));
        }
        let backward: usize =
            self.partitions.iter().flat_map(Sessions::iter).map(|(_, occupant)| occupant.topics.len()).sum();
        let moved = self.moved.iter().filter(|(session, seat)| self.handles.get(*seat) == Some(*session)).count();
        if moved != self.moved.len() || moved != self.handles.len() {
            return Err(format!("{} sessions have moved, {} seats", self.moved.len(), self.handles.len()));
        }
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

impl fmt::Display for MoveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MoveError::NoSuchSession => NoSuchSession.fmt(f),
            MoveError::NoSuchPartition(partition) => NoSuchPartition(*partition).fmt(f),
            MoveError::PartitionFull { max } => ConnectError::PartitionFull { max: *max }.fmt(f),
            MoveError::Busy => f.write_str("the session's events are in other hands"),
            MoveError::OverBudget => f.write_str("the partition has no room for what the session has pending"),
        }
    }
}

impl From<ConnectError> for MoveError {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::NoSuchPartition(partition) => MoveError::NoSuchPartition(partition),
            ConnectError::PartitionFull { max } => MoveError::PartitionFull { max },
        }
    }
}

impl std::error::Error for MoveError {}
impl std::error::Error for NoSuchSession {}
impl std::error::Error for NoSuchPartition {}
impl std::error::Error for ConnectError {}
impl std::error::Error for SubscribeError {}
