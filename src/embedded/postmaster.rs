//! Reads `postmaster.pid` and probes the server that it describes.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::layout::PID_FILE;
use super::socket::PORT;

/// How long to wait for the first byte of an answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// How long a server may take from writing `postmaster.pid` to listening.
pub(super) const LISTEN_LIMIT: Duration = Duration::from_secs(2);

const POLL: Duration = Duration::from_millis(20);

/// A server that answers.
#[derive(Debug)]
pub(super) struct Postmaster {
    pub(super) pid: i32,
    pub(super) socket_directory: PathBuf,
    pub(super) port: u16,
}

/// The contents of `postmaster.pid`. The server writes the file at its start and removes it when it stops.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct PidFile {
    /// 0 if the file has no process id, because the server has not written it yet or the disk was
    /// full.
    pub(super) pid: i32,
    port: u16,
    /// Written shortly after the process id.
    pub(super) socket_directory: Option<PathBuf>,
    status: String,
}

/// The result of a probe.
pub(super) enum ServerStatus {
    Ready,
    Starting,
    Stopping,
    /// The server listens but does not answer.
    Unresponsive,
    /// No process listens on the socket.
    NotListening,
}

impl PidFile {
    /// Reads the file in PostgreSQL's data directory. `None` if no server has recorded itself there.
    pub(super) fn read(pgdata: &Path) -> io::Result<Option<Self>> {
        match fs::read(pgdata.join(PID_FILE)) {
            Ok(bytes) => Ok(Some(Self::parse(&bytes))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// One value per line: process id, data directory, start time, port, socket directory, address, shared memory,
    /// status.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).collect();
        let text = |line: usize| {
            lines
                .get(line)
                .map_or("", |line| std::str::from_utf8(line).unwrap_or(""))
        };
        let directory = lines.get(4).copied().unwrap_or_default();
        Self {
            // Single-user mode writes its process id as a negative number.
            pid: text(0).parse().map_or(0, i32::wrapping_abs),
            port: text(3).parse().unwrap_or(PORT),
            socket_directory: (!directory.is_empty())
                .then(|| PathBuf::from(std::ffi::OsString::from_vec(directory.to_vec()))),
            status: text(7).to_owned(),
        }
    }

    pub(super) fn postmaster(&self) -> Option<Postmaster> {
        Some(Postmaster {
            pid: self.pid,
            socket_directory: self.socket_directory.clone()?,
            port: self.port,
        })
    }

    fn socket(&self) -> Option<PathBuf> {
        let directory = self.socket_directory.as_ref()?;
        Some(directory.join(format!(".s.PGSQL.{}", self.port)))
    }

    /// The file beside the socket in which the server records its process id once more.
    pub(super) fn socket_lock(&self) -> Option<PathBuf> {
        Some(self.socket()?.with_added_extension("lock"))
    }

    pub(super) fn probe(&self) -> ServerStatus {
        let Some(mut stream) = self.socket().and_then(|socket| UnixStream::connect(socket).ok()) else {
            return ServerStatus::NotListening;
        };
        match self.status.as_str() {
            "ready" if answers_ssl_request(&mut stream).is_ok() => ServerStatus::Ready,
            "ready" => ServerStatus::Unresponsive,
            "stopping" => ServerStatus::Stopping,
            _ => ServerStatus::Starting,
        }
    }

    /// Whether a process with this id exists and the current user may signal it. The process is the server, or by
    /// coincidence another program. An unknown id (0) counts as alive.
    pub(super) fn is_alive(&self) -> bool {
        self.pid == 0 || kill(Pid::from_raw(self.pid), None).is_ok()
    }
}

/// Stops the server of a data directory by a signal, without its programs, and waits until it has ended. SIGINT is
/// PostgreSQL's fast stop, and SIGQUIT its immediate one. Does nothing if no server runs.
///
/// # Errors
/// [`io::ErrorKind::TimedOut`] if the server has not ended after `limit`.
pub(super) fn stop_by_signal(pgdata: &Path, signal: Signal, limit: Duration) -> io::Result<()> {
    let start = Instant::now();
    let mut signalled = None;
    loop {
        let Some(pid_file) = PidFile::read(pgdata)? else {
            return Ok(());
        };
        let pid = pid_file.pid;
        if !pid_file.is_alive() {
            return Ok(());
        }
        let is_listening = !matches!(pid_file.probe(), ServerStatus::NotListening);
        if pid > 0 && is_listening && signalled != Some(pid) {
            // It fails only if the server has just ended.
            let _ = kill(Pid::from_raw(pid), signal);
            signalled = Some(pid);
        }
        // Without a listening socket, another program may have the process id by now.
        if signalled.is_none() && start.elapsed() > LISTEN_LIMIT {
            return Ok(());
        }
        if start.elapsed() > limit {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("PostgreSQL (process {pid}) does not stop"),
            ));
        }
        sleep(POLL);
    }
}

/// Sends an SSL request. A server answers it with one byte before it authenticates the caller.
fn answers_ssl_request(stream: &mut UnixStream) -> io::Result<()> {
    const LENGTH: [u8; 4] = 8_u32.to_be_bytes();
    const SSL_REQUEST: [u8; 4] = 80_877_103_u32.to_be_bytes();
    stream.set_read_timeout(Some(ANSWER_LIMIT))?;
    stream.set_write_timeout(Some(ANSWER_LIMIT))?;
    stream.write_all(&[LENGTH, SSL_REQUEST].concat())?;
    stream.read_exact(&mut [0])
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_half_written_pid_file_is_parsed() {
        let complete = b"4711\n/data\n1763764000\n5432\n/run/x\n\n  1234  5678\nready   \n";
        let pid_file = PidFile::parse(complete);
        assert_eq!(pid_file.pid, 4711);
        assert_eq!(pid_file.socket_directory.as_deref(), Some(Path::new("/run/x")));
        assert_eq!(pid_file.status, "ready");
        for end in 0..complete.len() {
            PidFile::parse(&complete[..end]);
        }
        assert_eq!(PidFile::parse(b"4711\n/data\n").socket_directory, None);
        assert_eq!(PidFile::parse(b"-4711\n").pid, 4711);
        assert_eq!(PidFile::parse(b"").pid, 0);
    }
}
