//! Operation: faults, overload, clocks, a full disk, and the data that logs and metrics reveal.

mod blocked_writers;
mod citus;
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
mod replicas;
mod standby;
mod tls;
mod wire;
