//! The status of each error of the Rust interface.

use super::status::*;
use crate::{
    AcknowledgeError, ConnectError, MoveError, NoSuchPartition, NoSuchSession, OutboxError, PublishError, RegroupError,
    SubscribeError, Unpublished, UpsertError, WindowError, WorkerError,
};

pub(super) trait Refusal {
    fn status(self) -> oyez_status;
}

impl Refusal for NoSuchSession {
    fn status(self) -> oyez_status {
        OYEZ_NOT_FOUND
    }
}

impl Refusal for NoSuchPartition {
    fn status(self) -> oyez_status {
        OYEZ_NO_PARTITION
    }
}

impl Refusal for ConnectError {
    fn status(self) -> oyez_status {
        match self {
            ConnectError::NoSuchPartition(_) => OYEZ_NO_PARTITION,
            ConnectError::PartitionFull { .. } => OYEZ_FULL,
        }
    }
}

impl Refusal for MoveError {
    fn status(self) -> oyez_status {
        match self {
            MoveError::NoSuchSession => OYEZ_NOT_FOUND,
            MoveError::NoSuchPartition(_) => OYEZ_NO_PARTITION,
            MoveError::PartitionFull { .. } => OYEZ_FULL,
            MoveError::Busy => OYEZ_BUSY,
            MoveError::OverBudget => OYEZ_OVER_BUDGET,
        }
    }
}

impl Refusal for SubscribeError {
    fn status(self) -> oyez_status {
        match self {
            SubscribeError::NoSuchSession => OYEZ_NOT_FOUND,
            SubscribeError::TooManyTopics { .. } => OYEZ_FULL,
        }
    }
}

impl Refusal for PublishError {
    fn status(self) -> oyez_status {
        self.reason.status()
    }
}

impl Refusal for Unpublished {
    fn status(self) -> oyez_status {
        match self {
            Unpublished::PayloadTooLarge { .. } => OYEZ_TOO_LARGE,
            Unpublished::Closed => OYEZ_CLOSED,
        }
    }
}

impl Refusal for AcknowledgeError {
    fn status(self) -> oyez_status {
        match self {
            AcknowledgeError::NoSuchSession => OYEZ_NOT_FOUND,
            AcknowledgeError::NotHandedOver { .. } => OYEZ_NOT_HANDED_OVER,
        }
    }
}

impl Refusal for WorkerError {
    fn status(self) -> oyez_status {
        match self {
            WorkerError::NoSuchPartition(_) => OYEZ_NO_PARTITION,
            WorkerError::Busy => OYEZ_BUSY,
        }
    }
}

impl Refusal for OutboxError {
    fn status(self) -> oyez_status {
        match self {
            OutboxError::NoSuchSession => OYEZ_NOT_FOUND,
            OutboxError::Busy => OYEZ_BUSY,
        }
    }
}

impl Refusal for UpsertError {
    fn status(self) -> oyez_status {
        match self {
            UpsertError::NoSuchGroup(_) => OYEZ_NO_GROUP,
            UpsertError::CollationTooLong { .. } => OYEZ_TOO_LARGE,
            UpsertError::ListFull { .. } => OYEZ_FULL,
        }
    }
}

impl Refusal for RegroupError {
    fn status(self) -> oyez_status {
        match self {
            RegroupError::NoSuchMember(_) => OYEZ_NOT_FOUND,
            RegroupError::NoSuchGroup(_) => OYEZ_NO_GROUP,
        }
    }
}

impl Refusal for WindowError {
    fn status(self) -> oyez_status {
        match self {
            WindowError::Reversed(_) => OYEZ_INVALID,
            WindowError::TooWide { .. } => OYEZ_TOO_LARGE,
            WindowError::TooMany { .. } | WindowError::TooManyViewers { .. } => OYEZ_FULL,
        }
    }
}
