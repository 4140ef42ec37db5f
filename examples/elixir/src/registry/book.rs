//! What the library's numbers stand for: sessions for processes, topics for terms.

use super::subscriber::Subscriber;
use crate::key::Key;
use ahash::AHashMap;
use oyez::{SessionId, Topic};
use rustler::{LocalPid, ResourceArc};

/// A topic that nobody is subscribed to: where an event goes that is for nobody, and gets its sequence.
pub(super) const NOBODY: Topic = Topic(0);

#[derive(Default)]
pub(super) struct Book {
    pub entries: AHashMap<LocalPid, Entry>,
    /// The topics that somebody is subscribed to, by their names.
    pub topics: AHashMap<Key, Topic>,
    names: AHashMap<Topic, Key>,
    last: u64,
}

/// A process that has joined.
pub(super) struct Entry {
    pub session: SessionId,
    /// The library forgets the topics of a session that overflows, so they are here as well.
    pub topics: Vec<Topic>,
    /// Its monitor lives as long as this.
    #[expect(dead_code, reason = "owns the monitor")]
    pub subscriber: ResourceArc<Subscriber>,
}

impl Book {
    /// The number of a topic, which gets one if it has none.
    pub fn number(&mut self, name: &[u8]) -> Topic {
        if let Some(&topic) = self.topics.get(name) {
            return topic;
        }
        self.last += 1;
        let topic = Topic(self.last);
        self.topics.insert(Key::new(name), topic);
        self.names.insert(topic, Key::new(name));
        topic
    }

    pub fn forget(&mut self, topic: Topic) {
        if let Some(name) = self.names.remove(&topic) {
            self.topics.remove(&name);
        }
    }
}
