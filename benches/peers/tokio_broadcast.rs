//! tokio's broadcast channel: one topic, a ring of messages, and a cursor for each receiver.
//!
//! Everything on one thread and without a runtime: a receiver asks with `try_recv`, so nobody is woken or scheduled. It
//! asks as often as there is something, and not once more to hear that there is nothing.

use super::{Batch, Delivery, Host, Payload};
use tokio::sync::broadcast::{self, Receiver, Sender};

/// More than are sent between two drains.
const CAPACITY: usize = 16;

/// A channel with all its receivers.
pub struct TokioBroadcast {
    sender: Sender<Payload>,
    receivers: Vec<Receiver<Payload>>,
    sent: usize,
}

impl TokioBroadcast {
    pub fn new(receivers: u32) -> Self {
        let (sender, _) = broadcast::channel(CAPACITY);
        let receivers = (0..receivers).map(|_| sender.subscribe()).collect();
        TokioBroadcast { sender, receivers, sent: 0 }
    }
}

impl Batch for Payload {
    fn len(&self) -> usize {
        1
    }

    fn for_each(&self, mut show: impl FnMut(&[u8])) {
        show(self);
    }
}

impl Delivery for TokioBroadcast {
    const NAME: &'static str = "tokio";

    fn publish(&mut self, topic: u32, payload: &Payload) {
        assert_eq!(topic, 0, "there is one topic");
        self.sender.send(payload.clone()).expect("there are receivers");
        self.sent += 1;
    }

    fn drain(&mut self, host: &mut impl Host) {
        for (session, receiver) in (0..).zip(&mut self.receivers) {
            for _ in 0..self.sent {
                let message = receiver.try_recv().expect("it has been sent, and is still in the ring");
                host.take(session, message);
            }
        }
        self.sent = 0;
    }
}
