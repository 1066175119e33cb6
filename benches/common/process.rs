//! Child processes: they end when this process ends, and report their processor time and memory.

use std::fs;
use std::io;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Ids of the running child processes, for [`end_all`].
static RUNNING: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// Linux reports processor time in hundredths of a second, independent of the kernel's timer frequency.
const TICK: Duration = Duration::from_millis(10);

/// A child process. Dropping the value ends it.
pub struct Process(Child);

impl Process {
    /// Starts the program without standard input.
    pub fn start(command: &mut Command) -> anyhow::Result<Self> {
        let program = command.get_program().to_owned();
        let child = command
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("{} can't be run", program.display()))?;
        running().push(child.id());
        Ok(Self(child))
    }

    pub fn child(&mut self) -> &mut Child {
        &mut self.0
    }

    /// Processor time that the process has used so far, or `None` if the system has no Linux `/proc`.
    pub fn processor_time(&self) -> Option<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id())).ok()?;
        // The process name, in parentheses, may contain blanks. The fields after it contain none.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = |at: usize| fields.get(at)?.parse::<u32>().ok();
        Some(TICK * (ticks(11)? + ticks(12)?))
    }

    /// A size from the process's status, such as `VmRSS`, in MB.
    pub fn memory(&self, field: &str) -> Option<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).ok()?;
        kilobytes(&status, field).map(|kilobytes| kilobytes / 1024.0)
    }
}

/// The time limit for a process to end.
const TIME_TO_END: Duration = Duration::from_secs(15);

/// Sends SIGTERM first: a build that records a profile writes it on exit, but not if it is killed.
impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None))
            && let Ok(pid) = i32::try_from(self.0.id())
        {
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        let start = Instant::now();
        while matches!(self.0.try_wait(), Ok(None)) && start.elapsed() < TIME_TO_END {
            thread::sleep(TICK);
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
        running().retain(|pid| *pid != self.0.id());
    }
}

/// Runs a program until it ends, and returns its standard output.
///
/// # Errors
/// If the program fails, with its output.
pub fn run(command: &mut Command) -> anyhow::Result<String> {
    let mut process = Process::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    let child = process.child();
    let (output, errors) = (child.stdout.take(), child.stderr.take());
    let errors = std::thread::spawn(move || errors.map(io::read_to_string));
    let output = output.map(io::read_to_string).transpose()?.unwrap_or_default();
    let status = process.child().wait()?;
    if !status.success() {
        let said = errors.join().ok().flatten().transpose()?.unwrap_or_default();
        bail!(
            "{} failed ({status}): {}{output}",
            command.get_program().display(),
            said
        );
    }
    Ok(output)
}

/// Kills every child process that still runs. Called when a signal ends this process.
pub fn end_all() {
    for pid in running().iter().filter_map(|pid| i32::try_from(*pid).ok()) {
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
}

fn running() -> std::sync::MutexGuard<'static, Vec<u32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The time for which the process has been on a processor so far, to the nanosecond, or `None` if the system has no
/// Linux `/proc`. The process may be one that others started.
pub fn run_time(pid: i32) -> Option<Duration> {
    let schedule = fs::read_to_string(format!("/proc/{pid}/schedstat")).ok()?;
    let nanoseconds = schedule.split_whitespace().next()?.parse().ok()?;
    Some(Duration::from_nanos(nanoseconds))
}

/// The machine's memory in MB, or `None` if the system has no Linux `/proc`.
pub fn machine_memory() -> Option<u64> {
    let kilobytes = kilobytes(&fs::read_to_string("/proc/meminfo").ok()?, "MemTotal")?;
    Some(kilobytes as u64 / 1024)
}

/// The processor's name.
pub fn processor() -> Option<String> {
    let information = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = information.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The value of a line such as `VmRSS:     1234 kB`.
fn kilobytes(text: &str, field: &str) -> Option<f64> {
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// The number of processors.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Processor time of the whole machine since it started, in ticks.
#[derive(Clone, Copy, Debug)]
pub struct MachineTime {
    all: u64,
    stolen: u64,
}

impl MachineTime {
    /// `None` if the system has no Linux `/proc`.
    pub fn now() -> Option<Self> {
        let stat = fs::read_to_string("/proc/stat").ok()?;
        let fields = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace();
        let ticks: Vec<u64> = fields.map_while(|field| field.parse().ok()).collect();
        Some(Self {
            // The last two fields (guest times) are already included in the first two.
            all: ticks.iter().take(8).sum(),
            stolen: *ticks.get(7)?,
        })
    }

    /// The steal time since `before`, as a part of all processor time. Steal time is the time during which this
    /// virtual machine wanted to run, but another one had the processor. It is highest if processors often go idle
    /// for moments, for example while threads wait for each other.
    pub fn stolen_since(before: Self) -> Option<f64> {
        let now = Self::now()?;
        let all = now.all.checked_sub(before.all).filter(|all| *all > 0)?;
        Some(now.stolen.saturating_sub(before.stolen) as f64 / all as f64)
    }
}
