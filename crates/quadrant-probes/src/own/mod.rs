//! What the tracer runs itself: `begin`, `end`, `self:signal:NAME`, `test:NAME`, `bench:NAME`.

mod list;
mod resolve;

pub(crate) use list::list;
pub(crate) use resolve::resolve;
