//! Where the sessions are that have moved to another partition, for calls that do not take the registry's lock.

use crate::registry::{Seat, SessionId};
use crate::sync::{Changes, Mutex};
use ahash::AHashMap;

/// Changed under the registry's lock, before the session is in its new seat. A reader may find an old seat; there it
/// does not find the session, and looks again.
pub(super) struct Seats {
    /// Raised with every move: who sees none need not look.
    moves: Changes,
    moved: Mutex<AHashMap<SessionId, Seat>>,
}

impl Seats {
    pub fn new() -> Self {
        Seats { moves: Changes::new(), moved: Mutex::new(AHashMap::new()) }
    }

    /// Where a session is, if there is such a session.
    #[inline]
    pub fn of(&self, session: SessionId) -> Seat {
        if self.moves.count() == 0 { session.first_seat() } else { self.look_up(session) }
    }

    #[cold]
    fn look_up(&self, session: SessionId) -> Seat {
        self.moved.lock().get(&session).copied().unwrap_or(session.first_seat())
    }

    pub fn set(&self, session: SessionId, seat: Seat) {
        self.moved.lock().insert(session, seat);
        self.moves.announce();
    }

    /// All sessions for which this does not hold have ended.
    pub fn retain(&self, mut is_there: impl FnMut(Seat) -> bool) {
        if self.moves.count() > 0 {
            self.moved.lock().retain(|_, seat| is_there(*seat));
        }
    }

    /// The session has ended.
    pub fn forget(&self, session: SessionId) {
        if self.moves.count() > 0 {
            self.moved.lock().remove(&session);
        }
    }
}
