"""Sorted sets in which every key has a rank, and event fan-out to sessions with bounded queues, in process.

`SortedSet` is a set of keys in order. `Registry` has sessions, their topics and their queues; `Worker` drains a
partition of it, `Outbox` reads one session. Everything may be used from any thread.
"""

from oyez._native import version
from oyez.errors import (
    BusyError,
    DeliveryError,
    FullError,
    InternalError,
    NoSuchPartitionError,
    NoSuchSessionError,
    NotHandedOverError,
    NotSubscribedError,
    OverBudgetError,
    OyezError,
    ShutDownError,
    TooLargeError,
)
from oyez.items import Event, Gap, Item
from oyez.outbox import Outbox
from oyez.registry import (
    Explained,
    Fate,
    OnFailure,
    Overload,
    Receipt,
    Registry,
    Resumed,
    Subscribed,
    Told,
    Verdict,
)
from oyez.sorted_set import Inserted, SortedSet
from oyez.stats import Accounting, PartitionStats, Stats
from oyez.worker import Drained, Readiness, Worker

__version__ = version()

__all__ = [
    "Accounting",
    "BusyError",
    "DeliveryError",
    "Drained",
    "Event",
    "Explained",
    "Fate",
    "FullError",
    "Gap",
    "Inserted",
    "InternalError",
    "Item",
    "NoSuchPartitionError",
    "NoSuchSessionError",
    "NotHandedOverError",
    "NotSubscribedError",
    "OnFailure",
    "Outbox",
    "OverBudgetError",
    "Overload",
    "OyezError",
    "PartitionStats",
    "Readiness",
    "Receipt",
    "Registry",
    "Resumed",
    "ShutDownError",
    "SortedSet",
    "Stats",
    "Subscribed",
    "Told",
    "TooLargeError",
    "Verdict",
    "Worker",
]
