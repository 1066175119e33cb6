//! A running server: what it records of itself, and whether it answers.

use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::signal::kill;
use nix::unistd::Pid;

use super::socket::PORT;

/// How long a server has for the first byte of an answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// A server that answers.
#[derive(Debug)]
pub(super) struct Postmaster {
    pub(super) pid: i32,
    pub(super) socket_directory: PathBuf,
    pub(super) port: u16,
}

/// What a server has written of itself into `postmaster.pid`, which it removes when it stops.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct PidFile {
    /// 0 where it isn't there: not yet, or never again after a full disk.
    pub(super) pid: i32,
    port: u16,
    /// Written a moment after the process number.
    pub(super) socket_directory: Option<PathBuf>,
    status: String,
}

/// What a recorded server gives away of itself.
pub(super) enum ServerStatus {
    Ready,
    Starting,
    Stopping,
    /// It listens and doesn't answer.
    Unresponsive,
    /// Nobody listens.
    NotListening,
}

impl PidFile {
    /// One fact a line: process, data directory, start, port, socket's directory, address, shared memory, status.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).collect();
        let text = |line: usize| {
            lines
                .get(line)
                .map_or("", |line| std::str::from_utf8(line).unwrap_or(""))
        };
        let directory = lines.get(4).copied().unwrap_or_default();
        Self {
            // The single-user mode records its own with a minus.
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

    pub(super) fn probe(&self) -> ServerStatus {
        let Some(directory) = &self.socket_directory else {
            return ServerStatus::NotListening;
        };
        let Ok(mut stream) = UnixStream::connect(directory.join(format!(".s.PGSQL.{}", self.port))) else {
            return ServerStatus::NotListening;
        };
        match self.status.as_str() {
            "ready" if answers_ssl_request(&mut stream).is_ok() => ServerStatus::Ready,
            "ready" => ServerStatus::Unresponsive,
            "stopping" => ServerStatus::Stopping,
            _ => ServerStatus::Starting,
        }
    }

    /// Whether there may be a process of that number which we could end: the server's own, or by accident another.
    pub(super) fn is_alive(&self) -> bool {
        self.pid == 0 || kill(Pid::from_raw(self.pid), None).is_ok()
    }
}

/// Asks for encryption, which a server answers by one byte without knowing who asks.
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
    fn a_servers_record_is_read_at_any_stage_of_its_writing() {
        let whole = b"4711\n/data\n1763764000\n5432\n/run/x\n\n  1234  5678\nready   \n";
        let pid_file = PidFile::parse(whole);
        assert_eq!(pid_file.pid, 4711);
        assert_eq!(pid_file.socket_directory.as_deref(), Some(Path::new("/run/x")));
        assert_eq!(pid_file.status, "ready");
        for end in 0..whole.len() {
            PidFile::parse(&whole[..end]);
        }
        assert_eq!(PidFile::parse(b"4711\n/data\n").socket_directory, None);
        assert_eq!(PidFile::parse(b"-4711\n").pid, 4711);
        assert_eq!(PidFile::parse(b"").pid, 0);
    }
}
