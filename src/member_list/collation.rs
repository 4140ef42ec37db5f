//! A helper for collation keys, for hosts that have no collation of their own.

/// The bytes of a display name in lower case: names sort without regard to case, and otherwise by Unicode code point.
/// That is what large chat clients show; it is not the order of any language's dictionary. Lower case is Unicode's, as
/// `str::to_lowercase` maps it. O(length).
///
/// ```
/// use oyez::collation::case_folded;
///
/// assert!(case_folded("ada") < case_folded("Bob"));
/// assert_eq!(case_folded("ÉVE"), "éve".as_bytes());
/// ```
pub fn case_folded(name: &str) -> Vec<u8> {
    name.to_lowercase().into_bytes()
}
