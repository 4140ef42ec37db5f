//! What the threads of a run did and what they got back, as plain values: all that the checker knows.
//!
//! Stamps come from one counter, taken before and after each call: a call whose `ended` is below another's `began` was
//! over before the other began. Of calls that overlap nobody knows which was first.

pub type Stamp = u64;
pub type Session = u64;
pub type Sequence = u64;

#[derive(Clone)]
pub struct History {
    /// What each thread did, in its order; what a callback did stands before the batch it was called with.
    pub threads: Vec<Vec<Entry>>,
    pub keeps_on_panic: bool,
    pub end: End,
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub began: Stamp,
    pub ended: Stamp,
    pub what: What,
}

/// A call, with what it answered. `None` and `false`: no such session.
#[derive(Clone, Debug)]
pub enum What {
    Connected {
        session: Session,
        partition: u16,
        window: Option<usize>,
    },
    Subscribed {
        session: Session,
        topic: u64,
        joined: Option<Joined>,
    },
    Unsubscribed {
        session: Session,
        topic: u64,
        was_subscribed: Option<bool>,
        /// How many pending events were discarded; 0 when it did not ask for that.
        discarded: usize,
    },
    /// The session moves to another partition, unless that was refused.
    Moved {
        session: Session,
        partition: u16,
        ok: bool,
    },
    Disconnected {
        session: Session,
        ok: bool,
    },
    /// A drain ended the session: the call is that drain.
    Overflowed {
        session: Session,
    },
    /// Its outbox found that it has ended, or ended it.
    FoundEnded {
        session: Session,
    },
    PartitionDropped {
        partition: u16,
    },
    Published(Published),
    Parked {
        session: Session,
        ok: bool,
    },
    Resumed {
        session: Session,
        acknowledged: Sequence,
        ok: bool,
    },
    Acknowledged {
        session: Session,
        through: Sequence,
        count: Option<usize>,
    },
    /// The session can take more: it is writable, or its outbox was taken or dropped.
    Woken {
        session: Session,
        ok: bool,
    },
    Handed(Handed),
}

#[derive(Clone, Copy, Debug)]
pub struct Joined {
    pub is_new: bool,
    pub after: Sequence,
}

#[derive(Clone, Debug)]
pub struct Published {
    pub name: Name,
    pub topics: Vec<u64>,
    pub except: Option<Session>,
    pub sequence: Sequence,
    pub count: usize,
    pub refused: Vec<u16>,
    pub refused_count: usize,
    pub overflowed: Vec<Session>,
}

/// What an event's payload says: whose it is, and the how manieth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    pub key: u64,
    pub number: u64,
}

/// A batch in the hands of a callback, or out of an outbox; its entry begins when it is there.
#[derive(Clone, Debug)]
pub struct Handed {
    pub session: Session,
    pub by: By,
    /// When the drain began: the batch was made after that.
    pub drain_began: Stamp,
    pub items: Vec<Item>,
    /// How many the host took; `None`: it panicked.
    pub took: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The worker of this partition.
    Worker(u16),
    Outbox,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    Event { sequence: Sequence, name: Name },
    Gap { count: u64, first: Sequence, last: Sequence },
}

impl Item {
    pub fn first(self) -> Sequence {
        match self {
            Item::Event { sequence, .. } => sequence,
            Item::Gap { first, .. } => first,
        }
    }

    pub fn last(self) -> Sequence {
        match self {
            Item::Event { sequence, .. } => sequence,
            Item::Gap { last, .. } => last,
        }
    }
}

/// What the fan-out counted, when all was over.
#[derive(Clone, Default)]
pub struct End {
    pub published: u64,
    pub total: Counts,
    pub refused: u64,
    pub gaps: u64,
    pub panics: u64,
    /// Sessions that are still connected.
    pub live: Vec<(Session, Counts)>,
    pub quiet: Quiet,
}

/// A moment after the fan-out was closed, at which no worker had anything to do.
#[derive(Clone, Default)]
pub struct Quiet {
    pub began: Stamp,
    /// What was pending for those who were connected.
    pub pending: Vec<(Session, u64)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub accepted: u64,
    pub delivered: u64,
    pub dropped: u64,
    pub discarded: u64,
    pub abandoned: u64,
    pub pending: u64,
}

impl Counts {
    pub fn balances(self) -> bool {
        self.accepted == self.delivered + self.dropped + self.discarded + self.abandoned + self.pending
    }
}
