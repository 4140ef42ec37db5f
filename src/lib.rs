//! Oyez.
pub mod sorted_set;
pub use sorted_set::{Disorder, Inserted, NotSorted, Removed, SortedSet};
