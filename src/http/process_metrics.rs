//! The standard metrics of a process: its processor time, memory and open files, read from `/proc` at each scrape.

use procfs::ProcResult;
use procfs::process::{LimitValue, Process};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

/// Registers the metrics, whose names start with `process_`.
pub fn register(registry: &mut Registry) {
    let registry = registry.sub_registry_with_prefix("process");
    registry.register_collector(Box::new(ProcessCollector));
}

#[derive(Debug)]
struct ProcessCollector;

/// The values of one scrape.
struct ProcessUsage {
    cpu_seconds: f64,
    start_seconds: f64,
    resident_bytes: u64,
    virtual_bytes: u64,
    open_files: usize,
    /// `None` for no limit.
    open_files_max: Option<u64>,
}

impl ProcessUsage {
    fn read() -> ProcResult<Self> {
        let process = Process::myself()?;
        let stat = process.stat()?;
        let seconds = |ticks: u64| ticks as f64 / procfs::ticks_per_second() as f64;
        Ok(Self {
            cpu_seconds: seconds(stat.utime + stat.stime),
            start_seconds: procfs::boot_time_secs()? as f64 + seconds(stat.starttime),
            resident_bytes: stat.rss * procfs::page_size(),
            virtual_bytes: stat.vsize,
            open_files: process.fd_count()?,
            open_files_max: match process.limits()?.max_open_files.soft_limit {
                LimitValue::Value(max) => Some(max),
                LimitValue::Unlimited => None,
            },
        })
    }
}

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let usage = match ProcessUsage::read() {
            Ok(usage) => usage,
            Err(error) => {
                log::debug!("/proc can't be read for the metrics: {error}");
                return Ok(());
            }
        };
        let mut write = |name, help, unit: Option<&Unit>, metric: &dyn EncodeMetric| {
            metric.encode(encoder.encode_descriptor(name, help, unit, metric.metric_type())?)
        };
        let gauge = |value: u64| ConstGauge::new(value as f64);
        write(
            "cpu",
            "Processor time of the process, in user and system mode",
            Some(&Unit::Seconds),
            &ConstCounter::new(usage.cpu_seconds),
        )?;
        write(
            "start_time",
            "Time since the Unix epoch at which the process started",
            Some(&Unit::Seconds),
            &ConstGauge::new(usage.start_seconds),
        )?;
        write(
            "resident_memory",
            "Resident memory",
            Some(&Unit::Bytes),
            &gauge(usage.resident_bytes),
        )?;
        write(
            "virtual_memory",
            "Virtual memory",
            Some(&Unit::Bytes),
            &gauge(usage.virtual_bytes),
        )?;
        write("open_fds", "Open files", None, &gauge(usage.open_files as u64))?;
        if let Some(max) = usage.open_files_max {
            write("max_fds", "The limit of open files", None, &gauge(max))?;
        }
        Ok(())
    }
}
