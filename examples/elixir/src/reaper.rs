//! Where big things are dropped: on a thread of its own, since a set of a million keys takes longer to free than a
//! scheduler may be held. (The emulator runs a destructor wherever the last reference happens to go.)
//!
//! The thread outlives the module's code: the library is linked so that it is never unloaded (`-z nodelete`).

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::thread;

type Remains = Box<dyn Any + Send>;

/// Drops a value later, elsewhere; here if there can be no thread.
pub(crate) fn reap(value: impl Any + Send) {
    static REAPER: OnceLock<Option<Sender<Remains>>> = OnceLock::new();
    if let Some(reaper) = REAPER.get_or_init(start) {
        // An error gives the value back, which drops it: there is no thread any more.
        _ = reaper.send(Box::new(value));
    }
}

fn start() -> Option<Sender<Remains>> {
    let (reaper, all) = channel::<Remains>();
    let drop_all = move || {
        for remains in all {
            // A panic of one destructor is not the end of the others.
            _ = catch_unwind(AssertUnwindSafe(|| drop(remains)));
        }
    };
    thread::Builder::new().name("oyez_reaper".into()).spawn(drop_all).ok().map(|_| reaper)
}
