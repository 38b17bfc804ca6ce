//! deep [COUNT]: calls target_leaf COUNT times, each time on another way through generic functions: 14 steps, each by one
//! of two functions. So there are 16,384 stacks of some 30 frames. With TARGET_STAY it ends with its standard input.

use std::hint::black_box;
use std::io::Read;
use std::marker::PhantomData;
use std::time::Instant;

#[inline(never)]
#[unsafe(no_mangle)]
pub extern "C" fn target_leaf(value: u64) -> u64 {
    black_box(value)
}

/// One more step.
trait Step {
    fn descend(value: u64, way: u64) -> u64;
}

struct Bottom;
struct Down<S>(PhantomData<S>);

impl Step for Bottom {
    #[inline(never)]
    fn descend(value: u64, _: u64) -> u64 {
        black_box(target_leaf(value))
    }
}

impl<S: Step> Step for Down<S> {
    #[inline(never)]
    fn descend(value: u64, way: u64) -> u64 {
        black_box(if way & 1 == 1 { odd::<S>(value, way >> 1) } else { even::<S>(value, way >> 1) })
    }
}

#[inline(never)]
fn odd<S: Step>(value: u64, way: u64) -> u64 {
    black_box(S::descend(value, way)).wrapping_add(1)
}

#[inline(never)]
fn even<S: Step>(value: u64, way: u64) -> u64 {
    black_box(S::descend(value, way))
}

type Two<S> = Down<Down<S>>;
type Fourteen = Two<Two<Two<Two<Two<Two<Two<Bottom>>>>>>>;

fn main() {
    let count = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(10_007);
    let started = Instant::now();
    for i in 0..count {
        Fourteen::descend(i, i);
    }
    if std::env::var_os("TARGET_REPORT").is_some() {
        eprintln!("work: {count} operations, {} ns", started.elapsed().as_nanos());
    }
    if std::env::var_os("TARGET_STAY").is_some() {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
    }
}
