//! What the running kernel calls itself.

use std::ffi::CStr;
use std::mem::MaybeUninit;

/// Its release, such as `6.12.9-amd64`.
pub fn release() -> String {
    said("osrelease").unwrap_or_else(|| named(|names| &names.release))
}

/// How and when it was built, such as `#1 SMP PREEMPT_DYNAMIC Debian 6.12.9-1 (2025-01-10)`.
pub fn version() -> String {
    said("version").unwrap_or_else(|| named(|names| &names.version))
}

/// `Linux`.
pub fn name() -> String {
    said("ostype").unwrap_or_else(|| named(|names| &names.sysname))
}

/// /proc says it as it is; uname(2) says `2.6` to processes that asked for that (UNAME26), but also where nobody mounted /proc.
fn said(what: &str) -> Option<String> {
    let text = std::fs::read_to_string(format!("/proc/sys/kernel/{what}")).ok()?;
    Some(text.trim_end().to_owned())
}

fn named(field: impl Fn(&libc::utsname) -> &[libc::c_char]) -> String {
    let mut names = MaybeUninit::<libc::utsname>::zeroed();
    // SAFETY: the structure is arrays of bytes, for which zeros are values; uname(2) fills it.
    let names = unsafe {
        libc::uname(names.as_mut_ptr());
        names.assume_init()
    };
    let bytes: Vec<u8> = field(&names).iter().map(|byte| byte.to_ne_bytes()[0]).collect();
    CStr::from_bytes_until_nul(&bytes).map(|text| text.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uname_says_the_same_as_proc() {
        assert_eq!(release(), named(|names| &names.release));
        assert_eq!(version(), named(|names| &names.version));
        assert_eq!(name(), "Linux");
    }
}
