//! What is behind the sessions: hosts that take everything.

use crate::delivery_peers::{Batch, Host, number};
use oyez::Took;

/// Counts, and touches nothing.
#[derive(Default)]
pub struct Counting {
    pub events: u64,
}

/// Writes a line for each session and batch.
pub struct Touching {
    lines: Vec<Line>,
    /// Read to have the lines out of the caches: 64 MiB.
    elsewhere: Vec<u64>,
}

#[derive(Clone)]
#[repr(align(64))]
struct Line {
    events: u64,
}

/// Looks at every event. Numbers that a session gets must ascend.
pub struct InOrder {
    pub sessions: Vec<Seen>,
}

/// What a session has got.
#[derive(Clone, Default)]
pub struct Seen {
    pub events: u32,
    last: u64,
}

impl Host for Counting {
    fn take(&mut self, _session: u32, batch: impl Batch) -> Took {
        self.events += batch.len() as u64;
        Took::ALL
    }
}

impl Host for Touching {
    fn take(&mut self, session: u32, batch: impl Batch) -> Took {
        self.lines[session as usize].events += batch.len() as u64;
        Took::ALL
    }
}

impl Host for InOrder {
    fn take(&mut self, session: u32, batch: impl Batch) -> Took {
        let seen = &mut self.sessions[session as usize];
        batch.for_each(|payload| {
            let number = number(payload);
            assert!(number > seen.last, "session {session} gets {number} after {}", seen.last);
            seen.last = number;
            seen.events += 1;
        });
        Took::ALL
    }
}

impl Touching {
    pub fn new(sessions: u32) -> Self {
        let lines = vec![Line { events: 0 }; sessions as usize];
        Touching { lines, elsewhere: vec![1; 64 << 20 >> 3] }
    }

    /// Asserts that these sessions have got so many events each, and forgets it. Leaves the caches cold.
    pub fn settle(&mut self, who: &str, sessions: &[u32], events: u64) {
        for &session in sessions {
            let line = &mut self.lines[session as usize];
            assert_eq!(std::mem::take(&mut line.events), events, "{who}: session {session}");
        }
        self.cool();
    }

    pub fn cool(&self) {
        let sum = self.elsewhere.iter().fold(0, |sum, word| sum ^ word);
        assert_eq!(std::hint::black_box(sum), 0, "an even number of ones");
    }

    /// The floor: what writing these lines takes.
    pub fn touch(&mut self, sessions: &[u32], events: u64) {
        for &session in sessions {
            self.lines[session as usize].events += events;
        }
    }
}

impl InOrder {
    pub fn new(sessions: u32) -> Self {
        InOrder { sessions: vec![Seen::default(); sessions as usize] }
    }
}
