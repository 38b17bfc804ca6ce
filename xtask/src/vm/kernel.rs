//! The kernels that can be booted, and what each processor architecture needs for it.

/// A kernel of a Debian suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// What it is called here: its version's first two numbers, or `latest`.
    pub name: &'static str,
    /// Debian's name of the suite that has it.
    pub suite: &'static str,
}

/// All kernels, oldest first.
pub const KERNELS: &[Kernel] = &[
    Kernel { name: "5.10", suite: "bullseye" },
    Kernel { name: "6.1", suite: "bookworm" },
    Kernel { name: "6.12", suite: "trixie" },
    Kernel { name: "latest", suite: "sid" },
];

/// One that was built here, for what no kernel of Debian is built with. It runs only when it is asked for.
pub const OWN: Kernel = Kernel { name: "own", suite: "-" };

impl std::str::FromStr for Kernel {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = || KERNELS.iter().chain([&OWN]);
        let found = all().find(|kernel| kernel.name == name || kernel.suite == name);
        let names = || all().map(|kernel| kernel.name).collect::<Vec<_>>().join(", ");
        found.copied().ok_or_else(|| format!("there is no such kernel here: choose one of {}", names()))
    }
}

/// A processor architecture, by Debian's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Arch {
    /// x86_64.
    Amd64,
    /// aarch64.
    Arm64,
}

impl Arch {
    /// Debian's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// The package that depends on the suite's kernel: the one for virtual machines, which is small.
    pub fn kernel_package(self) -> String {
        format!("linux-image-cloud-{}", self.name())
    }

    /// The emulator's command and its package.
    pub fn emulator(self) -> (&'static str, &'static str) {
        match self {
            Self::Amd64 => ("qemu-system-x86_64", "qemu-system-x86"),
            Self::Arm64 => ("qemu-system-aarch64", "qemu-system-arm"),
        }
    }

    /// The emulated machine.
    pub fn machine(self) -> &'static str {
        match self {
            Self::Amd64 => "q35",
            Self::Arm64 => "virt",
        }
    }

    /// The emulated processor: all that the emulator can do, but for what costs it time and changes nothing for tests. Copies in one
    /// instruction (erms) are emulated byte by byte, a fifth level of page tables is walked at each miss, and each crossing between the
    /// kernel's and a program's memory (smap, pku) keeps translations of its own.
    pub fn processor(self) -> &'static str {
        match self {
            Self::Amd64 => "max,-erms,-la57,-smap,-pku",
            Self::Arm64 => "max,pauth-impdef=on",
        }
    }

    /// The kernel's arguments that depend on the machine: its console, and on a PC a restart by triple fault, which
    /// the emulator sees at once.
    pub fn kernel_arguments(self) -> &'static str {
        match self {
            Self::Amd64 => "console=ttyS0 reboot=t",
            Self::Arm64 => "console=ttyAMA0",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_found_by_its_name_and_by_its_suite() {
        assert_eq!("6.1".parse::<Kernel>().unwrap().suite, "bookworm");
        assert_eq!("sid".parse::<Kernel>().unwrap().name, "latest");
        assert!("6.2".parse::<Kernel>().unwrap_err().contains("5.10, 6.1, 6.12, latest, own"));
    }
}
