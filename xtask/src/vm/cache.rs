//! Keeps unpacked kernels, so that they are fetched once and then can be booted without a network.
//!
//! `target/vm/NAME-ARCH/VERSION` holds `vmlinuz` as Debian made it, `kernel` (what the emulator boots), `busybox`,
//! `config` and `modules`; `target/vm/apt` what apt knows about the suites. What is in `target/vm/own-ARCH` was put there by hand.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::apt::Apt;
use super::index::{self, Package};
use super::kernel::{Arch, Kernel, OWN};
use super::vmlinux;
use crate::{Failure, workspace};

/// A kernel that is on this machine.
#[derive(Debug, PartialEq)]
pub struct Image {
    /// What it is kept in; the last part of the path is the version.
    pub dir: PathBuf,
    /// For which architecture it is.
    pub arch: Arch,
}

impl Image {
    /// The version of its Debian package.
    pub fn version(&self) -> String {
        self.dir.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// What the emulator boots: the unpacked kernel, or the one that moves itself to a random address.
    pub fn kernel(&self, kaslr: bool) -> PathBuf {
        self.dir.join(if kaslr { "vmlinuz" } else { "kernel" })
    }

    /// Whether it has virtio ports without a module.
    pub fn has_virtio_ports(&self) -> bool {
        let config = fs::read_to_string(self.dir.join("config")).unwrap_or_default();
        ["CONFIG_VIRTIO_PCI=y", "CONFIG_VIRTIO_CONSOLE=y"]
            .iter()
            .all(|wanted| config.lines().any(|line| line == *wanted))
    }

    /// A static busybox of the same suite.
    pub fn busybox(&self) -> PathBuf {
        self.dir.join("busybox")
    }
}

/// The kernel if it is on this machine.
pub fn cached(kernel: Kernel, arch: Arch) -> Option<Image> {
    let versions = fs::read_dir(folder(kernel, arch)).ok()?.flatten().map(|entry| entry.path());
    // Unpacking ends with the kernel's own file, and a folder being filled has a name with a dot.
    let whole = versions.filter(|dir| dir.extension().is_none_or(|end| end != "unfinished") && dir.is_dir());
    let newest = whole.max_by_key(|dir| dir.metadata().and_then(|data| data.modified()).ok())?;
    Some(Image { dir: newest, arch })
}

/// The kernel, fetched if it is not on this machine, or if the newest one is wanted.
pub fn provide(kernel: Kernel, arch: Arch, newest: bool) -> Result<Image, Failure> {
    let _lock = lock()?;
    let present = cached(kernel, arch);
    if kernel == OWN {
        let missing = || {
            format!("put `kernel` (vmlinux), `config` and `busybox` into a folder of {}", folder(OWN, arch).display())
        };
        return present.ok_or_else(|| missing().into());
    }
    if let Some(image) = present.filter(|_| !newest) {
        return Ok(image);
    }
    let apt = Apt::new(store().join("apt").join(format!("{}-{}", kernel.suite, arch.name())), kernel.suite, arch)?;
    apt.update()?;
    let mut packages = index::kernel_parts(&arch.kernel_package(), &mut |name| apt.show(name))?;
    let version = packages.first().ok_or("the kernel consists of no package")?.version.clone();
    let image = Image { dir: folder(kernel, arch).join(&version), arch };
    if !image.dir.exists() {
        eprintln!("fetching Linux {version} of Debian {} for {}", kernel.suite, arch.name());
        packages.push(Package::parse(&apt.show("busybox-static")?).ok_or("there is no busybox-static")?);
        fetch(&apt, &packages, &image)?;
    }
    forget_others(&image);
    Ok(image)
}

/// Fetches a package of a suite and unpacks it into a folder.
pub fn fetch_package(name: &str, suite: &'static str, arch: Arch, root: &Path) -> Result<(), Failure> {
    let _lock = lock()?;
    let apt = Apt::new(store().join("apt").join(format!("{suite}-{}", arch.name())), suite, arch)?;
    apt.update()?;
    let package = Package::parse(&apt.show(name)?).ok_or_else(|| format!("there is no {name} in {suite}"))?;
    let debs = root.with_added_extension("debs");
    fs::create_dir_all(&debs)?;
    apt.download(&[package], &debs)?;
    for deb in fs::read_dir(&debs)? {
        unpack(&deb?.path(), root)?;
    }
    Ok(fs::remove_dir_all(&debs)?)
}

/// Fills a folder beside the image's and gives it the right name when it is complete.
fn fetch(apt: &Apt, packages: &[Package], image: &Image) -> Result<(), Failure> {
    let work = image.dir.with_added_extension("unfinished");
    let (debs, root) = (work.join("debs"), work.join("root"));
    // A former run may have left it.
    let _ = fs::remove_dir_all(&work);
    fs::create_dir_all(&debs)?;
    apt.download(packages, &debs)?;
    for deb in fs::read_dir(&debs)? {
        unpack(&deb?.path(), &root)?;
    }
    arrange(&root, &work, image.arch)?;
    fs::remove_dir_all(&debs)?;
    fs::remove_dir_all(&root)?;
    Ok(fs::rename(&work, &image.dir)?)
}

fn unpack(deb: &Path, root: &Path) -> Result<(), Failure> {
    let status = Command::new("dpkg-deb").arg("-x").args([deb, root]).status();
    match status.map_err(|e| format!("cannot run dpkg-deb: {e}"))?.success() {
        true => Ok(()),
        false => Err(format!("dpkg-deb cannot unpack {}", deb.display()).into()),
    }
}

/// Moves what is needed to names that are the same for all versions. Kernels up to 6.x have their files in /boot, later
/// ones beside the modules; everything but /boot has moved to /usr in the meantime.
fn arrange(root: &Path, into: &Path, arch: Arch) -> Result<(), Failure> {
    let modules = only_entry(&first(root, &["usr/lib/modules", "lib/modules"])?)?;
    let release = modules.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for name in ["vmlinuz", "config"] {
        let beside_modules = modules.join(name);
        let in_boot = root.join("boot").join(format!("{name}-{release}"));
        let found = [beside_modules, in_boot].into_iter().find(|path| path.exists());
        fs::rename(found.ok_or_else(|| format!("the kernel's packages have no {name}"))?, into.join(name))?;
    }
    fs::rename(first(root, &["usr/bin/busybox", "bin/busybox"])?, into.join("busybox"))?;
    fs::rename(modules, into.join("modules"))?;
    vmlinux::prepare(&into.join("vmlinuz"), &into.join("kernel"), arch)
}

fn first(root: &Path, candidates: &[&str]) -> Result<PathBuf, Failure> {
    let found = candidates.iter().map(|path| root.join(path)).find(|path| path.exists());
    found.ok_or_else(|| format!("the packages have no {}", candidates.join(" or ")).into())
}

fn only_entry(dir: &Path) -> Result<PathBuf, Failure> {
    let entry = fs::read_dir(dir)?.next().ok_or_else(|| format!("{} is empty", dir.display()))?;
    Ok(entry?.path())
}

/// Removes former versions: they cannot be chosen any more.
fn forget_others(image: &Image) {
    let Some(entries) = image.dir.parent().and_then(|dir| fs::read_dir(dir).ok()) else { return };
    for other in entries.flatten().map(|entry| entry.path()).filter(|path| *path != image.dir) {
        // What cannot be removed only takes space.
        let _ = fs::remove_dir_all(other);
    }
}

/// One process fetches at a time; the others wait and then find the kernel there.
fn lock() -> Result<File, Failure> {
    let path = store().join("lock");
    fs::create_dir_all(store())
        .and_then(|()| File::create(&path))
        .and_then(|file| file.lock().map(|()| file))
        .map_err(|e| format!("cannot make and lock {}: {e}", path.display()).into())
}

fn folder(kernel: Kernel, arch: Arch) -> PathBuf {
    store().join(format!("{}-{}", kernel.name, arch.name()))
}

/// In the workspace's own target folder, whichever one cargo builds into: kernels are the same for all builds.
fn store() -> PathBuf {
    let root = workspace::root();
    root.canonicalize().unwrap_or(root).join("target/vm")
}
