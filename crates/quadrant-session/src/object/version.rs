//! The version of the running kernel.

use quadrant_bpf::kernel;

/// The kernel's version as its macro KERNEL_VERSION has it. Distributions whose releases do not say it (`6.1.0-18-amd64`) say it
/// elsewhere.
pub fn kernel_version() -> u64 {
    let signature = std::fs::read_to_string("/proc/version_signature").unwrap_or_default();
    number_of_version(version_among(&signature, &kernel::version(), &kernel::release()))
}

/// `Ubuntu 5.4.0-12.15-generic 5.4.8`, `#1 SMP PREEMPT_DYNAMIC Debian 6.1.176-1 (2026-11-01)`, else the release.
fn version_among<'a>(signature: &'a str, build: &'a str, release: &'a str) -> &'a str {
    let after_debian = build.split_once("Debian ").map(|(_, version)| version);
    signature.split_whitespace().nth(2).or(after_debian).unwrap_or(release)
}

fn number_of_version(text: &str) -> u64 {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().unwrap_or(0_u64));
    let mut next = || numbers.next().unwrap_or(0);
    next() << 16 | next() << 8 | next().min(255)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_distributions() {
        let of = |signature, build, release| number_of_version(version_among(signature, build, release));
        assert_eq!(of("", "#1 SMP Debian 6.1.176-1 (2026-11-01)", "6.1.0-18-cloud-amd64"), 0x0601b0);
        assert_eq!(of("Ubuntu 5.4.0-12.15-generic 5.4.8", "#15-Ubuntu SMP", "5.4.0-12-generic"), 0x050408);
        assert_eq!(of("", "#1 SMP PREEMPT", "6.18.44+"), 0x06122c);
        assert_eq!(of("", "", "4.14.336"), 0x040eff);
    }
}
