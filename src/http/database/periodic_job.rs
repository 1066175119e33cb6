//! Background threads that run a task periodically.

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What happens when a job is dropped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnDrop {
    /// The thread ends after the current run. Nobody waits for it.
    Stop,
    /// The thread runs the task once more and ends. The drop waits for it.
    RunOnceMore,
}

/// Handle of a background thread. Dropping it stops the thread.
#[derive(Debug)]
pub struct PeriodicJob {
    /// Dropping the sender stops the thread.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    on_drop: OnDrop,
}

/// Lets a long task stop early when its job is dropped.
#[derive(Debug)]
pub struct StopSignal(Receiver<()>);

impl StopSignal {
    /// Whether the job has been dropped.
    pub fn is_set(&self) -> bool {
        self.0.try_recv() == Err(TryRecvError::Disconnected)
    }
}

impl PeriodicJob {
    /// Starts a thread that runs `task` every `period`, for the first time after one `period`.
    ///
    /// A failed task returns the reason. Of consecutive failures only the first is logged, as `failure: reason`. The
    /// next success is logged too.
    ///
    /// # Errors
    /// If the system cannot start another thread.
    pub fn start(
        name: &'static str,
        period: Duration,
        on_drop: OnDrop,
        failure: &'static str,
        mut task: impl FnMut(&StopSignal) -> Result<(), String> + Send + 'static,
    ) -> io::Result<Self> {
        let (sender, stop) = mpsc::channel();
        let stop = StopSignal(stop);
        let run = move || {
            let mut was_failing = false;
            loop {
                let is_stopping = stop.0.recv_timeout(period) != Err(RecvTimeoutError::Timeout);
                if is_stopping && on_drop == OnDrop::Stop {
                    return;
                }
                let outcome = task(&stop);
                match &outcome {
                    Err(reason) if !was_failing => log::warn!("{failure}: {reason}"),
                    Ok(()) if was_failing => log::info!("the job '{name}' works again"),
                    _ => {}
                }
                was_failing = outcome.is_err();
                if is_stopping {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name(name.to_owned()).spawn(run)?;
        Ok(Self {
            stop: Some(sender),
            thread: Some(thread),
            on_drop,
        })
    }
}

impl Drop for PeriodicJob {
    fn drop(&mut self) {
        self.stop = None;
        if self.on_drop == OnDrop::RunOnceMore
            && let Some(thread) = self.thread.take()
        {
            // A panic of the thread is in the log already.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn count(period: Duration, on_drop: OnDrop) -> (PeriodicJob, Arc<AtomicU32>) {
        let runs = Arc::new(AtomicU32::new(0));
        let counted = runs.clone();
        let task = move |_: &StopSignal| {
            counted.fetch_add(1, Ordering::SeqCst);
            Ok(())
        };
        let job = PeriodicJob::start("test", period, on_drop, "the test failed", task).unwrap();
        (job, runs)
    }

    #[test]
    fn a_task_runs_again_and_again() {
        let (_job, runs) = count(Duration::from_millis(1), OnDrop::Stop);
        while runs.load(Ordering::SeqCst) < 3 {
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn a_dropped_job_runs_once_more_if_asked_to() {
        let hour = Duration::from_secs(3600);
        let (job, runs) = count(hour, OnDrop::RunOnceMore);
        drop(job);
        assert_eq!(runs.load(Ordering::SeqCst), 1);
        let (mut job, runs) = count(hour, OnDrop::Stop);
        let thread = job.thread.take().unwrap();
        drop(job);
        thread.join().unwrap();
        assert_eq!(runs.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn a_task_sees_that_its_job_was_dropped() {
        let (sender, receiver) = mpsc::channel();
        let task = move |stop: &StopSignal| {
            let _ = sender.send(stop.is_set());
            Ok(())
        };
        let hour = Duration::from_secs(3600);
        drop(PeriodicJob::start("test", hour, OnDrop::RunOnceMore, "the test failed", task).unwrap());
        assert_eq!(receiver.recv(), Ok(true));
    }
}
