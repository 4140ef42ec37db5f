//! Longer pages: why things are as they are.

#[doc = include_str!("docs/design.md")]
pub mod design {}

#[doc = include_str!("docs/orderings.md")]
pub mod orderings {}

#[doc = include_str!("docs/embedding.md")]
pub mod embedding {}

#[doc = include_str!("docs/changes.md")]
pub mod changes {}

/// The README's example is run with the others.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
