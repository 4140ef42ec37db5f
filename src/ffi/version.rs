//! Which version this is, and which the header was.

#![expect(unsafe_code, reason = "an exported symbol is unsafe to name: it must be the only one of its name")]

use super::guard::guard_or;
use std::ffi::c_char;

/// Major version of the library. Since 0.1.
pub const OYEZ_VERSION_MAJOR: u32 = 0;
/// Minor version. Since 0.1.
pub const OYEZ_VERSION_MINOR: u32 = 1;
/// Patch version. Since 0.1.
pub const OYEZ_VERSION_PATCH: u32 = 0;
/// All three as one number: major * 1,000,000 + minor * 1,000 + patch. Since 0.1.
pub const OYEZ_VERSION_NUMBER: u32 = 1000;
/// Number of the binary interface: a library with another number than the header's is not for this program. Since 0.1.
pub const OYEZ_ABI_VERSION: u32 = 1;

/// `OYEZ_VERSION_NUMBER` of the library that is loaded. O(1), from any thread. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_version_number() -> u32 {
    guard_or(0, || OYEZ_VERSION_NUMBER)
}

/// The version of the library that is loaded, as in "0.1.0". The text is static. O(1), from any thread. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_version_string() -> *const c_char {
    guard_or(c"".as_ptr(), || c"0.1.0".as_ptr())
}

/// `OYEZ_ABI_VERSION` of the library that is loaded. O(1), from any thread. Since 0.1.
#[unsafe(no_mangle)]
pub extern "C" fn oyez_abi_version() -> u32 {
    guard_or(0, || OYEZ_ABI_VERSION)
}
