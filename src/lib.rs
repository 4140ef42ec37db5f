#![doc = include_str!("docs/overview.md")]

pub mod byte_set;
pub mod docs;
pub mod fanout;
#[cfg(feature = "ffi")]
pub mod ffi;
pub mod member_list;
pub mod ranking;
pub mod registry;
pub mod shared_set;
pub mod sorted_set;
pub mod stats;
pub mod testing;

mod sync;

pub use byte_set::ByteSet;
pub use fanout::{
    AcknowledgeError, Batch, Class, Discarding, DrainLimit, Drained, Event, Fanout, FanoutOptions, Fate, Gap,
    HostPanic, Item, Joined, OnPanic, OrderKey, Outbox, OutboxError, Overload, PublishError, Readiness, Receipt,
    Resumed, Sequence, SessionOptions, Took, Unpublished, Worker, WorkerError,
};
pub use member_list::{
    Counts, Flush, GroupId, ListOp, MemberId, MemberList, MemberListOptions, MemberListStats, RegroupError, Row,
    Update, UpsertError, Upserted, View, ViewerId, Window, WindowError, WindowLimits, collation,
};
pub use ranking::{Ranked, Ranking};
pub use registry::{
    Audience, ConnectError, MoveError, NoSuchPartition, NoSuchSession, PartitionId, Query, Registry, RegistryOptions,
    RegistryStats, SessionId, SubscribeError, Subscribed, Topic, Unsubscribed, Verdict,
};
pub use shared_set::SharedSet;
pub use sorted_set::{Disorder, Inserted, NotSorted, Removed, Repositioned, Snapshot, SortedSet};
pub use stats::{Accounting, Discarded, HeldBytes, LaggingSession, PartitionStats, Stats};
