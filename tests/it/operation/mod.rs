//! The server in bad times: faults, overload, a full disk; and what it reveals about itself.

mod clocks;
mod database_monitor;
mod erasure;
mod faults;
#[cfg(target_os = "linux")]
mod full_disk;
mod metrics;
mod overload;
mod pooler;
mod privacy;
mod wire;
