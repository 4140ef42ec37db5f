//! A helper for collation keys, for hosts that have no collation of their own.

/// The bytes of a display name in lower case: names sort without regard to case, and otherwise by Unicode code point.
/// Lower case is Unicode's, as `str::to_lowercase` maps it. O(length).
///
/// That is the order in which large chat clients show names: they compare lower-cased strings. It is not case folding,
/// under which "ß" and "ss" are the same, and it is not the order of any language's dictionary.
///
/// ```
/// use oyez::collation::lower_cased;
///
/// assert!(lower_cased("ada") < lower_cased("Bob"));
/// assert_eq!(lower_cased("ÉVE"), "éve".as_bytes());
/// ```
pub fn lower_cased(name: &str) -> Vec<u8> {
    name.to_lowercase().into_bytes()
}
