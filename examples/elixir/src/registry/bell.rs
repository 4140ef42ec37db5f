//! How a partition's sender is called. It waits in Erlang, so it is called by a message, and a message can be sent only
//! by a NIF or a callback, with the environment that it was given. A waker of the library has none. So it hangs out a
//! flag, and the NIF whose call on the library raised it looks at the flags before it returns.

use crate::atoms;
use oyez::SessionId;
use rustler::{Env, LocalPid};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::task::Wake;

/// A session that has ended, or must.
pub(super) enum Ended {
    /// Its process has.
    Died(SessionId),
    /// Its queue was full when an event came that it must not miss.
    Overflowed(SessionId),
}

/// Shared by a partition, its subscribers and the library's waker. It holds no registry, so a subscriber does not
/// either.
pub(super) struct Bell {
    sender: OnceLock<LocalPid>,
    /// The library has something to drain.
    has_work: AtomicBool,
    /// The sender was called and has not come yet.
    is_called: AtomicBool,
    ended: Sender<Ended>,
    /// Panics in `down`: nobody else would tell of them.
    pub down_panics: AtomicU64,
}

impl Bell {
    pub fn new() -> (Arc<Self>, Receiver<Ended>) {
        let (ended, all_ended) = channel();
        let bell = Bell {
            sender: OnceLock::new(),
            has_work: false.into(),
            is_called: false.into(),
            ended,
            down_panics: 0.into(),
        };
        (Arc::new(bell), all_ended)
    }

    /// The process that is to be called; the first one stays.
    pub fn belongs_to(&self, sender: LocalPid) {
        _ = self.sender.set(sender);
    }

    /// Calls the sender if a waker of the library has asked for it.
    pub fn answer(&self, env: Env) {
        // Relaxed: the call whose waker raised it was made by this thread, or is another's to answer.
        if self.has_work.load(Ordering::Relaxed) && self.has_work.swap(false, Ordering::Acquire) {
            self.call(env);
        }
    }

    /// Calls the sender, once until it comes.
    fn call(&self, env: Env) {
        // Release: what it is called for happened before, and is seen by the sender, whose `come` reads this.
        if !self.is_called.swap(true, Ordering::AcqRel) {
            // It may not have begun yet, or have ended: it looks by itself when it begins.
            self.sender.get().into_iter().for_each(|sender| _ = env.send(sender, atoms::wake()));
        }
    }

    /// The sender is here, and looks at everything after this.
    pub fn come(&self) {
        self.is_called.swap(false, Ordering::AcqRel);
    }

    /// A process has died. Takes no lock (nor does the channel, as long as nobody waits at its end, and nobody does).
    pub fn tell_died(&self, env: Env, session: SessionId) {
        // Nobody hears it once the registry is gone.
        _ = self.ended.send(Ended::Died(session));
        self.call(env);
    }

    /// A session has overflowed; whoever says so answers the bells afterwards.
    pub fn tell_overflowed(&self, session: SessionId) {
        _ = self.ended.send(Ended::Overflowed(session));
        self.has_work.store(true, Ordering::Release);
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.has_work.store(true, Ordering::Release);
    }
}
