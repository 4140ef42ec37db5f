//! A thread's hands: every call on the fan-out, with its stamps and its answer in the thread's history.

use crate::history::{By, Entry, Handed, Item, Joined, Name, Published, Stamp, What};
use oyez::{
    AcknowledgeError, Batch, Class, Event, Fanout, MoveError, OrderKey, PartitionId, Query, Sequence, SessionId,
    SessionOptions, Subscribed, Took, Topic, Unpublished, Unsubscribed,
};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

pub struct Actor {
    pub fanout: Fanout,
    clock: Arc<AtomicU64>,
    /// All sessions that anybody connected.
    everyone: Arc<Mutex<Vec<SessionId>>>,
    key: u64,
    published: u64,
    entries: Vec<Entry>,
}

/// What a callback of ours panics with.
pub struct OfTheHost;

/// How a callback answers.
#[derive(Clone, Copy)]
pub enum Answer {
    Take(usize),
    Panic,
}

impl Actor {
    /// The first actor of a run.
    pub fn new(fanout: Fanout) -> Self {
        Actor { fanout, clock: Arc::default(), everyone: Arc::default(), key: 0, published: 0, entries: Vec::new() }
    }

    /// Another thread's hands. Each has an order key of its own.
    pub fn beside(&self, key: u64) -> Self {
        let (clock, everyone) = (Arc::clone(&self.clock), Arc::clone(&self.everyone));
        Actor { fanout: self.fanout.clone(), clock, everyone, key, published: 0, entries: Vec::new() }
    }

    pub fn into_entries(self) -> Vec<Entry> {
        self.entries
    }

    pub fn everyone(&self) -> Vec<SessionId> {
        self.everyone.lock().unwrap().clone()
    }

    pub fn tick(&self) -> Stamp {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    fn note<T>(&mut self, call: impl FnOnce(&Fanout) -> T, what: impl FnOnce(&T) -> What) -> T {
        let began = self.tick();
        let answer = call(&self.fanout);
        let ended = self.tick();
        self.entries.push(Entry { began, ended, what: what(&answer) });
        answer
    }

    pub fn connect(&mut self, partition: u16, window: Option<usize>) -> SessionId {
        let options = window.map_or(SessionOptions::default(), |window| SessionOptions::default().window(window));
        let session = self.note(
            |fanout| fanout.connect_with(PartitionId(partition), options).unwrap(),
            |session| What::Connected { session: session.to_bits(), partition, window },
        );
        self.everyone.lock().unwrap().push(session);
        session
    }

    pub fn subscribe(&mut self, session: SessionId, topic: Topic) {
        let _ = self.note(
            |fanout| fanout.subscribe(session, topic),
            |joined| What::Subscribed {
                session: session.to_bits(),
                topic: topic.0,
                joined: joined
                    .as_ref()
                    .ok()
                    .map(|joined| Joined { is_new: joined.subscribed == Subscribed::New, after: joined.after.0 }),
            },
        );
    }

    pub fn unsubscribe(&mut self, session: SessionId, topic: Topic) {
        let _ = self.note(
            |fanout| fanout.unsubscribe(session, topic),
            |left| What::Unsubscribed {
                session: session.to_bits(),
                topic: topic.0,
                was_subscribed: left.as_ref().ok().map(|left| *left == Unsubscribed::Left),
                discarded: 0,
            },
        );
    }

    pub fn unsubscribe_discarding(&mut self, session: SessionId, topic: Topic) {
        let _ = self.note(
            |fanout| fanout.unsubscribe_discarding(session, topic),
            |left| What::Unsubscribed {
                session: session.to_bits(),
                topic: topic.0,
                was_subscribed: left.as_ref().ok().map(|left| left.unsubscribed == Unsubscribed::Left),
                discarded: left.as_ref().map_or(0, |left| left.discarded),
            },
        );
    }

    pub fn move_to(&mut self, session: SessionId, partition: u16) {
        let moved = self.note(
            |fanout| fanout.move_to(session, PartitionId(partition)),
            |moved| What::Moved { session: session.to_bits(), partition, ok: moved.is_ok() },
        );
        let is_refused = matches!(moved, Err(MoveError::NoSuchSession | MoveError::Busy | MoveError::OverBudget));
        assert!(moved.is_ok() || is_refused, "{moved:?}");
    }

    pub fn disconnect(&mut self, session: SessionId) {
        let _ = self.note(
            |fanout| fanout.disconnect(session),
            |topics| What::Disconnected { session: session.to_bits(), ok: topics.is_ok() },
        );
    }

    pub fn drop_partition(&mut self, partition: u16) {
        self.note(
            |fanout| fanout.drop_partition(PartitionId(partition)).unwrap(),
            |_| What::PartitionDropped { partition },
        );
    }

    /// Whether it was published: a closed fan-out refuses.
    pub fn publish(&mut self, topics: &[Topic], except: Option<SessionId>, class: Class, padding: usize) -> bool {
        let name = Name { key: self.key, number: self.published };
        self.published += 1;
        let mut payload = [name.key.to_le_bytes(), name.number.to_le_bytes()].concat();
        payload.resize(payload.len() + padding, 0);
        let event = Event::new(OrderKey(name.key), payload).class(class);
        let mut query = Query::any_of(topics.iter().copied());
        if let Some(session) = except {
            query = query.except(session);
        }
        let began = self.tick();
        let receipt = match self.fanout.publish(&query, event) {
            Ok(receipt) => receipt,
            Err(error) if error.reason == Unpublished::Closed => return false,
            Err(error) => panic!("{error}"),
        };
        let ended = self.tick();
        let published = Published {
            name,
            topics: topics.iter().map(|topic| topic.0).collect(),
            except: except.map(SessionId::to_bits),
            sequence: receipt.sequence.0,
            count: receipt.count,
            refused: receipt.refused.iter().map(|partition| partition.0).collect(),
            refused_count: receipt.refused_count,
            overflowed: receipt.overflowed.iter().map(|session| session.to_bits()).collect(),
        };
        self.entries.push(Entry { began, ended, what: What::Published(published) });
        true
    }

    pub fn park(&mut self, session: SessionId) {
        let _ = self.note(
            |fanout| fanout.park(session),
            |parked| What::Parked { session: session.to_bits(), ok: parked.is_ok() },
        );
    }

    pub fn resume(&mut self, session: SessionId, acknowledged: u64) {
        let _ = self.note(
            |fanout| fanout.resume(session, Sequence(acknowledged)),
            |resumed| What::Resumed { session: session.to_bits(), acknowledged, ok: resumed.is_ok() },
        );
    }

    pub fn acknowledge(&mut self, session: SessionId, through: u64) -> Result<usize, AcknowledgeError> {
        self.note(
            |fanout| fanout.acknowledge(session, Sequence(through)),
            |count| What::Acknowledged { session: session.to_bits(), through, count: count.ok() },
        )
    }

    /// The last sequence that a session with a window was handed; learnt by acknowledging what cannot be.
    pub fn last_handed(&mut self, session: SessionId) -> u64 {
        match self.acknowledge(session, u64::MAX) {
            Err(AcknowledgeError::NotHandedOver { last }) => last.0,
            Err(AcknowledgeError::NoSuchSession) => 0,
            Ok(0) => 0, // it has no window
            answer => panic!("nothing has the last number there is: {answer:?}"),
        }
    }

    pub fn writable(&mut self, session: SessionId) {
        let _ = self.note(
            |fanout| fanout.writable(session),
            |woken| What::Woken { session: session.to_bits(), ok: woken.is_ok() },
        );
    }

    /// Reads a session through an outbox for a while, if nobody else has its events in hand.
    pub fn read_outbox(&mut self, session: SessionId, events_max: usize) {
        let woken = |ok| What::Woken { session: session.to_bits(), ok };
        let outbox = self.note(|fanout| fanout.outbox(session), |outbox| woken(outbox.is_ok()));
        let Ok(mut outbox) = outbox else { return };
        for _ in 0..2 {
            let drain_began = self.tick();
            let Ok(batch) = outbox.next_batch(events_max) else {
                let what = What::FoundEnded { session: session.to_bits() };
                self.entries.push(Entry { began: drain_began, ended: self.tick(), what });
                break;
            };
            let began = self.tick();
            let items: Vec<Item> = batch.iter().map(plain).collect();
            if items.is_empty() {
                continue;
            }
            let took = Some(items.len());
            let handed = Handed { session: session.to_bits(), by: By::Outbox, drain_began, items, took };
            self.entries.push(Entry { began, ended: self.tick(), what: What::Handed(handed) });
        }
        self.note(|_| drop(outbox), |()| woken(true));
    }

    /// A drain that began then ended these sessions.
    pub fn note_overflowed(&mut self, drain_began: Stamp, sessions: &[SessionId]) {
        let ended = self.tick();
        let what = |session: &SessionId| What::Overflowed { session: session.to_bits() };
        self.entries.extend(sessions.iter().map(|session| Entry { began: drain_began, ended, what: what(session) }));
    }

    /// The callback of a drain: notes the batch, and answers as `host` says, which may make calls of its own.
    pub fn take(
        &mut self,
        (partition, drain_began): (u16, Stamp),
        session: SessionId,
        batch: Batch<'_>,
        host: impl FnOnce(&mut Actor, &[Item]) -> Answer,
    ) -> Took {
        let began = self.tick();
        let items: Vec<Item> = batch.iter().map(plain).collect();
        let answer = host(self, &items);
        let took = match answer {
            Answer::Take(count) => Some(count.min(items.len())),
            Answer::Panic => None,
        };
        let handed = Handed { session: session.to_bits(), by: By::Worker(partition), drain_began, items, took };
        self.entries.push(Entry { began, ended: self.tick(), what: What::Handed(handed) });
        match answer {
            Answer::Take(count) => Took(count),
            // As a panic, but that nothing is printed.
            Answer::Panic => std::panic::resume_unwind(Box::new(OfTheHost)),
        }
    }
}

fn plain(item: oyez::Item<'_>) -> Item {
    match item {
        oyez::Item::Gap(gap) => Item::Gap { count: gap.count, first: gap.first.0, last: gap.last.0 },
        oyez::Item::Event(sequence, event) => {
            let word = |at: usize| u64::from_le_bytes(event.payload[at..at + 8].try_into().unwrap());
            assert_eq!(event.order_key.0, word(0), "the key of the event is the one in its payload");
            Item::Event { sequence: sequence.0, name: Name { key: word(0), number: word(8) } }
        }
    }
}
