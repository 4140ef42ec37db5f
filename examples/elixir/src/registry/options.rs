//! What a registry is made with: checked here, defaults are `oyez_registry`'s.

use super::EVENTS_A_MESSAGE;
use crate::guard::Refusal;
use oyez::{Class, FanoutOptions, Overload, RegistryOptions};

#[derive(rustler::NifMap)]
pub(super) struct Options {
    pub partitions: u16,
    subscribers_per_partition_max: usize,
    topics_per_subscriber_max: usize,
    events_per_subscriber_max: usize,
    bytes_per_partition_max: usize,
    payload_bytes_max: usize,
    overload: Vec<(u8, WhatGivesWay)>,
}

#[derive(rustler::NifUnitEnum)]
enum WhatGivesWay {
    DropOldest,
    DropNewest,
    Disconnect,
}

impl Options {
    pub fn of_the_library(self) -> Result<FanoutOptions, Refusal> {
        if self.partitions == 0 {
            return Err(Refusal::BadArgument);
        }
        let registry = RegistryOptions::default()
            .partitions(self.partitions)
            .sessions_per_partition_max(self.subscribers_per_partition_max)
            .topics_per_session_max(self.topics_per_subscriber_max);
        let mut fanout = FanoutOptions::default()
            .registry(registry)
            .events_per_session_max(self.events_per_subscriber_max)
            .bytes_per_partition_max(self.bytes_per_partition_max)
            .payload_bytes_max(self.payload_bytes_max)
            .batch_max(EVENTS_A_MESSAGE)
            .history_bytes_max(0);
        for (class, gives_way) in self.overload {
            let class = Class::new(class).ok_or(Refusal::BadArgument)?;
            let gives_way = match gives_way {
                WhatGivesWay::DropOldest => Overload::DropOldest,
                WhatGivesWay::DropNewest => Overload::DropNewest,
                WhatGivesWay::Disconnect => Overload::Disconnect,
            };
            fanout = fanout.overload(class, gives_way);
        }
        Ok(fanout)
    }
}
