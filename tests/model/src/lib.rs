//! What oyez must do, said twice over in the plainest way: for each part an operation language (`Op`), what an
//! operation lets its caller see (`Seen`), and a naive oracle that computes it from sorted vectors and hash sets.
//!
//! The crate knows nothing of oyez. The driver crate runs the same operations against both; proptest (the strategies
//! are here), the fuzz targets (`Op` implements `Arbitrary`) and `replay --check` share it. The `Debug` form of an `Op`
//! is Rust code, so that a failing case can be pasted into a test.

pub mod fanout;
pub mod list;
pub mod ranking;
pub mod set;
pub mod versions;
