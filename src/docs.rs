//! Longer pages: why things are as they are.

#[doc = include_str!("docs/design.md")]
pub mod design {}

#[doc = include_str!("docs/changes.md")]
pub mod changes {}
