//! Reads Debian's description of packages (deb-control(5)) and finds those that a kernel consists of.

use std::collections::VecDeque;

use crate::Failure;

/// A package of a certain version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What must be there for it to work, one entry a group of alternatives.
    depends: Vec<Dependency>,
}

/// The first of a group of alternatives that a package depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Dependency {
    name: String,
    /// The only version that will do, if there is only one.
    version: Option<String>,
}

impl Package {
    /// Reads the first package of a description, as `apt-cache show` prints it; none if it is no such text.
    pub fn parse(text: &str) -> Option<Self> {
        let stanza = text.split("\n\n").next()?;
        let field = |name| field(stanza, name);
        let depends = field("Depends").unwrap_or_default();
        let depends = depends.split(',').filter_map(Dependency::parse).collect();
        Some(Self { name: field("Package")?, version: field("Version")?, depends })
    }

    /// The packages that it depends on and that hold a part of a kernel.
    fn parts(&self) -> impl Iterator<Item = &Dependency> {
        self.depends.iter().filter(|dependency| is_kernel_part(&dependency.name))
    }
}

impl Dependency {
    /// Reads `NAME[:ARCH] [(RELATION VERSION)] [| ...]`.
    fn parse(group: &str) -> Option<Self> {
        let first = group.split('|').next()?.trim();
        let (name, rest) = first.split_once([' ', '(']).unwrap_or((first, ""));
        let version = rest.trim_matches([' ', '(', ')']).strip_prefix('=').map(|version| version.trim().to_owned());
        let name = name.split(':').next().filter(|name| !name.is_empty())?;
        Some(Self { name: name.to_owned(), version })
    }
}

/// The packages that a kernel is made of: what the package named `meta` depends on, and on and on. `show` gives the
/// description of the package that has a name.
///
/// Up to 6.x that is one package, linux-image-VERSION; from 7.x this one depends on linux-binary-VERSION (the image),
/// linux-modules-VERSION and linux-base-VERSION (the configuration).
pub fn kernel_parts(
    meta: &str,
    show: &mut dyn FnMut(&str) -> Result<String, Failure>,
) -> Result<Vec<Package>, Failure> {
    let mut describe = |name: &str| -> Result<Package, Failure> {
        Package::parse(&show(name)?).ok_or_else(|| format!("apt-cache's description of {name} cannot be read").into())
    };
    let mut wanted: VecDeque<Dependency> = describe(meta)?.parts().cloned().collect();
    let mut found: Vec<Package> = Vec::new();
    while let Some(dependency) = wanted.pop_front() {
        if found.iter().any(|package| package.name == dependency.name) {
            continue;
        }
        let package = describe(&dependency.name)?;
        if let Some(version) = dependency.version.filter(|version| *version != package.version) {
            return Err(format!("{} {version} is needed, but there is {}", package.name, package.version).into());
        }
        wanted.extend(package.parts().cloned());
        found.push(package);
    }
    Ok(found)
}

/// A part of one kernel, not a package that depends on the newest: the version follows the kind.
fn is_kernel_part(name: &str) -> bool {
    let kinds = ["linux-image-", "linux-binary-", "linux-modules-", "linux-base-"];
    let rest = kinds.iter().find_map(|kind| name.strip_prefix(kind));
    rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// A field's value, its continuation lines joined.
fn field(stanza: &str, name: &str) -> Option<String> {
    let mut lines = stanza.lines().skip_while(|line| value(line, name).is_none());
    let first = value(lines.next()?, name)?;
    let more = lines.take_while(|line| line.starts_with([' ', '\t']));
    Some(std::iter::once(first).chain(more).map(str::trim).collect::<Vec<_>>().join(" "))
}

fn value<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.strip_prefix(name)?.strip_prefix(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGE_7: &str = "Package: linux-image-7.2-cloud
Version: 7.2-1
Depends: dracut | initramfs-tools (>= 0.120), linux-base-7.2-cloud (= 7.2-1),
 linux-binary-7.2-cloud (= 7.2-1), linux-modules-7.2-cloud:amd64 (= 7.2-1), linux-base (>= 4)
Description: Linux

Package: linux-image-7.2-cloud
Version: 7.1-1
";

    fn plain(name: &str) -> String {
        format!("Package: {name}\nVersion: 7.2-1\n")
    }

    fn names(parts: &[Package]) -> Vec<&str> {
        parts.iter().map(|package| package.name.as_str()).collect()
    }

    #[test]
    fn the_first_description_is_read_with_its_continued_lines() {
        let package = Package::parse(IMAGE_7).unwrap();
        assert_eq!((package.name.as_str(), package.version.as_str()), ("linux-image-7.2-cloud", "7.2-1"));
        let parts: Vec<_> = package.parts().map(|part| (part.name.as_str(), part.version.as_deref())).collect();
        let names = ["linux-base-7.2-cloud", "linux-binary-7.2-cloud", "linux-modules-7.2-cloud"];
        assert_eq!(parts, names.map(|name| (name, Some("7.2-1"))));
        assert_eq!(Package::parse("N: no packages found"), None);
        assert_eq!(Package::parse(""), None);
    }

    #[test]
    fn a_kernel_of_one_package_is_found() {
        let mut show = |name: &str| {
            let depends = if name == "meta" { "Depends: linux-image-6.1-cloud (= 7.2-1)\n" } else { "Depends: kmod\n" };
            Ok(plain(name) + depends)
        };
        assert_eq!(names(&kernel_parts("meta", &mut show).unwrap()), ["linux-image-6.1-cloud"]);
    }

    #[test]
    fn a_kernel_of_several_packages_is_found_once_each() {
        let mut show = |name: &str| {
            Ok(match name {
                "meta" => plain(name) + "Depends: linux-base-cloud (= 7.2-1), linux-image-7.2-cloud (= 7.2-1)\n",
                "linux-image-7.2-cloud" => IMAGE_7.to_owned(),
                "linux-binary-7.2-cloud" => plain(name) + "Depends: linux-modules-7.2-cloud\n",
                _ => plain(name),
            })
        };
        let parts = kernel_parts("meta", &mut show).unwrap();
        let kinds = ["image", "base", "binary", "modules"];
        assert_eq!(names(&parts), kinds.map(|kind| format!("linux-{kind}-7.2-cloud")));
    }

    #[test]
    fn another_version_than_the_needed_one_is_refused() {
        let mut show = |name: &str| Ok(plain(name) + "Depends: linux-image-8 (= 8)\n");
        let error = kernel_parts("meta", &mut show).unwrap_err().to_string();
        assert_eq!(error, "linux-image-8 8 is needed, but there is 7.2-1");
        assert!(kernel_parts("meta", &mut |_| Ok("nothing".to_owned())).is_err());
    }
}
