//! Debug information that does not fit into the memory that there is.

use std::fs;
use std::path::PathBuf;

use quadrant_testing::{Program, skip};

use crate::common::{binary, needs_root, target};

/// A control group with a limit of memory, gone with the test.
struct Limited(PathBuf);

impl Limited {
    fn new(bytes: u64) -> Option<Limited> {
        [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")].into_iter().find_map(
            |(root, limit)| {
                let group = Limited(PathBuf::from(root).join(format!("quadrant-memory-{}", std::process::id())));
                fs::create_dir(&group.0).ok()?;
                fs::write(group.0.join(limit), bytes.to_string()).ok()?;
                Some(group)
            },
        )
    }

    /// The tracer in it.
    fn tracer(&self) -> Program {
        let enter = format!("echo $$ > {}/cgroup.procs && exec \"$@\"", self.0.display());
        Program::new("sh").args(["-c", &enter, "sh"]).arg(binary())
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

/// The kernel kills whoever takes more than the limit.
#[test]
fn more_than_the_control_group_has_room_for_is_refused() {
    needs_root!();
    let bulky = target!("bulky");
    let Some(group) = Limited::new(40 << 20) else {
        return skip("no control group with a limit of memory can be made here");
    };
    let script = format!("uprobe:{bulky}:main {{ print(args); }}");
    let outcome = group.tracer().args(["-e", &script]).run().expect("the tracer runs");
    assert_eq!(outcome.code(), Some(1), "{}", outcome.describe());
    let told = ".debug_info does not fit into the memory that its control group leaves to this process";
    assert!(outcome.stderr.contains(told), "{}", outcome.describe());
}
