//! Functions and static probes of processes.

use crate::world::{World, desc};
use quadrant_d::providers::{Command, Settings, Value, spell};
use quadrant_program::probe::Site;
use quadrant_testing::Program;
use std::path::PathBuf;

/// A dynamically linked program that waits until the test's end.
struct Sleeper(std::process::Child);

impl Sleeper {
    fn start() -> Self {
        let sleeper = Self(std::process::Command::new("sleep").arg("60").spawn().unwrap());
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
        let maps = format!("/proc/{}/maps", sleeper.0.id());
        while !std::fs::read_to_string(&maps).is_ok_and(|text| text.contains("sleep") && text.contains("libc")) {
            assert!(std::time::Instant::now() < deadline, "the program does not start");
            std::thread::yield_now();
        }
        sleeper
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn functions_of_a_process() {
    let Some(world) = World::new() else { return };
    let sleeper = Sleeper::start();
    let pid = sleeper.0.id();
    let found = world.find(&format!("pid{pid}:libc:malloc:entry")).unwrap();
    assert_eq!(found.len(), 1);
    assert!(found[0].point.name.starts_with(&format!("pid{pid}:libc")), "{found:?}");
    assert_eq!((found[0].point.func.as_str(), &found[0].layout.raw[0]), ("malloc", &Value::Word(0)));
    assert!(matches!(found[0].point.site, Site::Uprobe { pid: Some(p), .. } if p == pid));
    let both = world.find(&format!("pid{pid}:libc*:calloc:*t*")).unwrap();
    assert_eq!(both.len(), 2);
    assert!(both.iter().any(|probe| probe.layout.raw[1] == Value::Result), "{both:?}");
    let all = world.find(&format!("pid{pid}:libc*:calloc:")).unwrap();
    assert!(all.len() > 10 && all.iter().any(|probe| probe.point.name.ends_with(":calloc:0")), "{}", all.len());
    let inside = world.find(&format!("pid{pid}:libc:malloc:0")).unwrap();
    assert_eq!(inside[0].point.name.rsplit(':').next(), Some("0"));
    assert!(
        world.find(&format!("pid{pid}:libc:no_such_function:entry")).unwrap_err().message.contains("no_such_function")
    );
    assert!(world.find("pid999999999:libc:malloc:entry").unwrap_err().message.contains("failed to grab process"));
    assert!(world.find("pid*:libc:malloc:entry").unwrap_err().help_in(spell)[0].contains("$target"));
}

#[test]
fn functions_of_a_command_that_waits() {
    let Some(world) = World::new() else { return };
    let pid = std::process::id();
    let commands = vec![Command { pid, program: PathBuf::from("/bin/bash") }];
    let providers = world.with(Settings { commands, ..Settings::default() });
    let malloc = providers.find(&desc(&format!("pid{pid}:libc:malloc:entry"))).unwrap();
    assert!(malloc[0].point.name.contains(":libc.so"), "{malloc:?}");
    let all = providers.find(&desc(&format!("pid{pid}:a.out::entry"))).unwrap();
    assert!(all.len() > 10 && all[0].point.name.contains(":bash:"), "{}", all.len());
}

#[test]
fn static_probes_of_a_process() {
    let Some(world) = World::new() else { return };
    let path = match quadrant_testing::target("usdt") {
        Ok(path) => path,
        Err(missing) => return quadrant_testing::skip(missing),
    };
    let mut program = Program::new(path).args(["1"]).env("TARGET_WAIT", "1").with_input().start().unwrap();
    program.wait_for_stdout("ready").unwrap();
    let pid = program.pid();
    let hit = world.find(&format!("demo{pid}:a.out:main:hit")).unwrap();
    assert_eq!(hit[0].point.name, format!("demo{pid}:usdt:main:hit"));
    assert!(matches!(hit[0].point.site, Site::Usdt { pid: Some(p), .. } if p == pid));
    assert_eq!((hit[0].layout.raw.len(), hit[0].layout.args.len()), (2, 2));
    // A probe in several places is one.
    let places = world.find(&format!("demo{pid}:::place")).unwrap();
    assert!(places.len() > 1 && places.iter().all(|probe| probe.id == places[0].id), "{places:?}");
    assert_eq!(world.find(&format!("dem?{pid}:::hit")).unwrap().len(), hit.len());
    assert!(world.find(&format!("nosuch{pid}:::")).is_err());
    program.close_input();
    program.finish().unwrap();
}
