//! Runs an operation list of `oyez-model` against oyez and the oracle at once, and panics at the first difference with
//! the operations so far, as code that can be pasted into a test.

pub mod bytes;
pub mod fanout;
pub mod list;
pub mod ranking;
mod script;
pub mod set;
pub mod simulator;
pub mod translate;
pub mod versions;
mod watched;
