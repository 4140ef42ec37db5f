//! Sizes, limits and choices, as C gives them.

#![expect(unsafe_code, reason = "promises that the structs may be read as bytes")]

use super::argument::{Growing, size_through};
use super::status::{OYEZ_INVALID, oyez_status};
use crate::{
    Class, FanoutOptions, MemberListOptions, OnPanic, Overload, RegistryOptions, SessionOptions, WindowLimits,
};

/// The oldest event in the queue gives way: for what is soon out of date. Since 0.1.
pub const OYEZ_OVERLOAD_DROP_OLDEST: u8 = 0;
/// The event that comes gives way: for what need not be complete. Since 0.1.
pub const OYEZ_OVERLOAD_DROP_NEWEST: u8 = 1;
/// The session ends, as if it had disconnected: for what it must not miss. Since 0.1.
pub const OYEZ_OVERLOAD_DISCONNECT: u8 = 2;

/// The batch of a callback that panicked or failed is abandoned, and the session is told a gap. Since 0.1.
pub const OYEZ_ON_PANIC_ABANDON: u32 = 0;
/// The batch of a callback that panicked or failed comes again. Since 0.1.
pub const OYEZ_ON_PANIC_KEEP: u32 = 1;

/// Sizes, limits and choices of a fan-out. Starts as OYEZ_FANOUT_OPTIONS_INIT, which has the defaults. Since 0.1.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oyez_fanout_options {
    /// `sizeof(oyez_fanout_options)`.
    pub struct_size: usize,
    /// Number of partitions, 1 to 65,535.
    pub partitions: u32,
    /// What becomes of the batch of a callback that panicked or failed: OYEZ_ON_PANIC_ABANDON or OYEZ_ON_PANIC_KEEP.
    pub on_panic: u32,
    /// Sessions a partition may hold.
    pub sessions_per_partition_max: usize,
    /// Topics a session may be subscribed to.
    pub topics_per_session_max: usize,
    /// Events a session's queue holds; 0 counts as 1.
    pub events_per_session_max: usize,
    /// Events in one batch of a worker; 0 counts as 1.
    pub batch_max: usize,
    /// Bytes of events a partition may hold that are pending or not acknowledged.
    pub bytes_per_partition_max: usize,
    /// Bytes of one payload.
    pub payload_bytes_max: usize,
    /// Bytes of audiences kept so that `oyez_fanout_fate` can answer for past events.
    pub history_bytes_max: usize,
    /// Sessions of one partition for which an event waits in the partition's log instead of in the queue of each.
    pub log_sessions_min: usize,
    /// What gives way to an event of each class when a session's queue is full: OYEZ_OVERLOAD_DROP_OLDEST,
    /// OYEZ_OVERLOAD_DROP_NEWEST or OYEZ_OVERLOAD_DISCONNECT.
    pub overload: [u8; 64],
}

/// Settings of one session. Starts as OYEZ_SESSION_OPTIONS_INIT. Since 0.1.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oyez_session_options {
    /// `sizeof(oyez_session_options)`.
    pub struct_size: usize,
    /// How many events may be handed over and not acknowledged; 0 for a session that never acknowledges.
    pub window: usize,
}

/// Limits of a member list. Starts as OYEZ_MEMBER_LIST_OPTIONS_INIT, which has the defaults. Since 0.1.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct oyez_member_list_options {
    /// `sizeof(oyez_member_list_options)`.
    pub struct_size: usize,
    /// Members the list may hold.
    pub members_max: usize,
    /// Bytes of one member's collation key.
    pub collation_bytes_max: usize,
    /// Viewers the list may have.
    pub viewers_max: usize,
    /// Windows of one viewer.
    pub windows_max: usize,
    /// Rows of one window.
    pub window_rows_max: usize,
}

// SAFETY: `repr(C)`, numbers, the size first.
unsafe impl Growing for oyez_fanout_options {
    const SIZE_MIN: usize = size_through!(oyez_fanout_options, overload: [u8; 64]);
}
// SAFETY: as above.
unsafe impl Growing for oyez_session_options {
    const SIZE_MIN: usize = size_through!(oyez_session_options, window: usize);
}
// SAFETY: as above.
unsafe impl Growing for oyez_member_list_options {
    const SIZE_MIN: usize = size_through!(oyez_member_list_options, window_rows_max: usize);
}

impl Default for oyez_fanout_options {
    fn default() -> Self {
        let options = FanoutOptions::default();
        oyez_fanout_options {
            struct_size: size_of::<Self>(),
            partitions: options.registry.partitions.into(),
            on_panic: match options.on_panic {
                OnPanic::Abandon => OYEZ_ON_PANIC_ABANDON,
                OnPanic::Keep => OYEZ_ON_PANIC_KEEP,
            },
            sessions_per_partition_max: options.registry.sessions_per_partition_max,
            topics_per_session_max: options.registry.topics_per_session_max,
            events_per_session_max: options.events_per_session_max,
            batch_max: options.batch_max,
            bytes_per_partition_max: options.bytes_per_partition_max,
            payload_bytes_max: options.payload_bytes_max,
            history_bytes_max: options.history_bytes_max,
            log_sessions_min: options.log_sessions_min,
            overload: options.overload.map(|overload| match overload {
                Overload::DropOldest => OYEZ_OVERLOAD_DROP_OLDEST,
                Overload::DropNewest => OYEZ_OVERLOAD_DROP_NEWEST,
                Overload::Disconnect => OYEZ_OVERLOAD_DISCONNECT,
            }),
        }
    }
}

impl Default for oyez_session_options {
    fn default() -> Self {
        oyez_session_options { struct_size: size_of::<Self>(), window: SessionOptions::default().window.unwrap_or(0) }
    }
}

impl Default for oyez_member_list_options {
    fn default() -> Self {
        let options = MemberListOptions::default();
        oyez_member_list_options {
            struct_size: size_of::<Self>(),
            members_max: options.members_max,
            collation_bytes_max: options.collation_bytes_max,
            viewers_max: options.viewers_max,
            windows_max: options.windows.count_max,
            window_rows_max: options.windows.rows_max,
        }
    }
}

impl oyez_fanout_options {
    pub(super) fn read(&self) -> Result<FanoutOptions, oyez_status> {
        let partitions = u16::try_from(self.partitions).ok().filter(|partitions| *partitions > 0);
        let registry = RegistryOptions::default()
            .partitions(partitions.ok_or(OYEZ_INVALID)?)
            .sessions_per_partition_max(self.sessions_per_partition_max)
            .topics_per_session_max(self.topics_per_session_max);
        let on_panic = match self.on_panic {
            OYEZ_ON_PANIC_ABANDON => OnPanic::Abandon,
            OYEZ_ON_PANIC_KEEP => OnPanic::Keep,
            _ => return Err(OYEZ_INVALID),
        };
        let options = FanoutOptions::default()
            .registry(registry)
            .on_panic(on_panic)
            .events_per_session_max(self.events_per_session_max)
            .batch_max(self.batch_max)
            .bytes_per_partition_max(self.bytes_per_partition_max)
            .payload_bytes_max(self.payload_bytes_max)
            .history_bytes_max(self.history_bytes_max)
            .log_sessions_min(self.log_sessions_min);
        (0..).map_while(Class::new).zip(self.overload).try_fold(options, |options, (class, overload)| {
            let overload = match overload {
                OYEZ_OVERLOAD_DROP_OLDEST => Overload::DropOldest,
                OYEZ_OVERLOAD_DROP_NEWEST => Overload::DropNewest,
                OYEZ_OVERLOAD_DISCONNECT => Overload::Disconnect,
                _ => return Err(OYEZ_INVALID),
            };
            Ok(options.overload(class, overload))
        })
    }
}

impl oyez_session_options {
    pub(super) fn read(&self) -> SessionOptions {
        match self.window {
            0 => SessionOptions::default(),
            window => SessionOptions::default().window(window),
        }
    }
}

impl oyez_member_list_options {
    pub(super) fn read(&self) -> MemberListOptions {
        MemberListOptions::default()
            .members_max(self.members_max)
            .collation_bytes_max(self.collation_bytes_max)
            .viewers_max(self.viewers_max)
            .windows(WindowLimits::new(self.windows_max, self.window_rows_max))
    }
}
