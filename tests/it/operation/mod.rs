//! The server in bad times: faults, overload, a full disk; and what it reveals about itself.

mod clocks;
mod faults;
#[cfg(target_os = "linux")]
mod full_disk;
pub mod metrics;
mod overload;
mod pooler;
mod privacy;
mod wire;
