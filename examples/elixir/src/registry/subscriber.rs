//! A process's monitor.

use super::bell::Bell;
use oyez::SessionId;
use rustler::{Env, LocalPid, Monitor, Resource};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// One for each process, because a resource has one lock for all its monitors. It does not hold the registry: that
/// holds it, and neither would ever be collected.
pub(super) struct Subscriber {
    pub session: SessionId,
    pub bell: Arc<Bell>,
}

#[rustler::resource_impl]
impl Resource for Subscriber {
    /// Only says who has died, once or twice or after the session has ended otherwise: all the same to the sender, who
    /// does the rest. No lock, no look-up, no monitor's call in here: the emulator holds locks of its own.
    fn down<'a>(&'a self, env: Env<'a>, _pid: LocalPid, _monitor: Monitor) {
        let told = catch_unwind(AssertUnwindSafe(|| {
            self.bell.tell_died(env, self.session);
            if cfg!(feature = "planted_panic") {
                panic!("planted");
            }
        }));
        if told.is_err() {
            self.bell.down_panics.fetch_add(1, Ordering::Relaxed);
        }
    }
}
