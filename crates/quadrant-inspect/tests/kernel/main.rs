//! What the survey and the examination say of this kernel, against what was attached and what the kernel's own files say.
//! They need root and skip without it.

mod attached;
mod common;
mod doctor;
mod events;
