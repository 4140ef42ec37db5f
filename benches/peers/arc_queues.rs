//! A queue of `Arc`s for each session: what a service writes first.
//!
//! A topic is a hash set of its subscribers, and a publish pushes the message into the queue of each; a session whose
//! queue was empty joins the list of those to drain. Each target costs a reference count on the one message and a miss
//! for the queue, and another for what it has allocated.

use super::{Batch, Delivery, Host, Payload, Sessions};
use ahash::{AHashMap, AHashSet};
use oyez::Took;
use std::collections::VecDeque;

/// Topics and queues.
pub struct ArcQueues {
    topics: AHashMap<u32, AHashSet<u32>>,
    queues: Vec<VecDeque<Payload>>,
    to_drain: Vec<u32>,
}

impl Batch for &VecDeque<Payload> {
    fn len(&self) -> usize {
        VecDeque::len(self)
    }

    fn for_each(&self, mut show: impl FnMut(&[u8])) {
        self.iter().for_each(|message| show(message));
    }
}

impl Delivery for ArcQueues {
    const NAME: &'static str = "arc_queues";

    fn publish(&mut self, topic: u32, payload: &Payload) {
        let Some(set) = self.topics.get(&topic) else { return };
        for &session in set {
            let queue = &mut self.queues[session as usize];
            if queue.is_empty() {
                self.to_drain.push(session);
            }
            queue.push_back(payload.clone());
        }
    }

    fn drain(&mut self, host: &mut impl Host) {
        // Who does not take all waits for the next drain.
        self.to_drain.retain(|&session| {
            let queue = &mut self.queues[session as usize];
            let Took(taken) = host.take(session, &*queue);
            queue.drain(..taken.min(queue.len()));
            !queue.is_empty()
        });
    }
}

impl Sessions for ArcQueues {
    fn connected(sessions: u32) -> Self {
        let queues = vec![VecDeque::new(); sessions as usize];
        ArcQueues { topics: AHashMap::new(), queues, to_drain: Vec::new() }
    }

    fn subscribe(&mut self, session: u32, topic: u32) {
        self.topics.entry(topic).or_default().insert(session);
    }
}
