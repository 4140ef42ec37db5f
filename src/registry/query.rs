//! Who an event is for: [`Query`].

use super::session::SessionId;
use super::topic::Topic;
use smallvec::SmallVec;

/// The audience of an event, described: the union of topics, without the excluded sessions.
///
/// ```
/// use oyez::{Query, Topic};
///
/// let everyone_here = Query::topic(Topic(7));
/// let two_rooms = Query::any_of([Topic(7), Topic(8)]);
/// assert_ne!(everyone_here, two_rooms);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    pub(super) topics: SmallVec<[Topic; 2]>,
    pub(super) except: SmallVec<[SessionId; 1]>,
}

impl Query {
    pub(crate) fn topics(&self) -> &[Topic] {
        &self.topics
    }

    /// The sessions subscribed to one topic. O(1).
    pub fn topic(topic: Topic) -> Self {
        Self::any_of([topic])
    }

    /// The sessions subscribed to at least one of the topics; each is in the audience once. O(n log n).
    pub fn any_of(topics: impl IntoIterator<Item = Topic>) -> Self {
        let mut topics: SmallVec<[Topic; 2]> = topics.into_iter().collect();
        topics.sort_unstable();
        topics.dedup();
        Query { topics, except: SmallVec::new() }
    }

    /// Leaves this session out too: usually the sender's. O(k) in the sessions left out.
    pub fn except(mut self, session: SessionId) -> Self {
        if let Err(at) = self.except.binary_search(&session) {
            self.except.insert(at, session);
        }
        self
    }

    /// Leaves all of these out: who has blocked the sender, who is in another room. O(n log n) in the sessions left
    /// out, where one [`except`](Self::except) after the other is O(n²).
    ///
    /// ```
    /// use oyez::{Query, SessionId, Topic};
    ///
    /// let [ada, bob] = [7, 8].map(SessionId::from_bits);
    /// let others = Query::topic(Topic(1)).except_all([bob, ada, bob]);
    /// assert_eq!(others, Query::topic(Topic(1)).except(ada).except(bob));
    /// ```
    pub fn except_all(mut self, sessions: impl IntoIterator<Item = SessionId>) -> Self {
        self.except.extend(sessions);
        self.except.sort_unstable();
        self.except.dedup();
        self
    }
}
