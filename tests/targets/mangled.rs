//! mangled [COUNT]: Rust names, legacy or v0 by how it is compiled, and a call that is inlined.

use std::hint::black_box;

mod shapes {
    pub trait Area {
        fn area(&self, scale: u64) -> u64;
    }

    pub struct Circle(pub u64);

    impl Area for Circle {
        #[inline(never)]
        fn area(&self, scale: u64) -> u64 {
            std::hint::black_box(self.0 * self.0 * scale)
        }
    }

    #[inline(always)]
    fn inlined_sum(shape: &impl Area, count: u64) -> u64 {
        (0..count).map(|i| shape.area(i)).sum()
    }

    #[inline(never)]
    pub fn measure(count: u64) -> u64 {
        std::hint::black_box(inlined_sum(&Circle(3), count))
    }
}

fn main() {
    let count = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(10_007);
    black_box(shapes::measure(count));
}
