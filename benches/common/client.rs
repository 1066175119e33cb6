//! An HTTP client: one kept-alive connection that sends one request at a time.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

/// Opens a new connection after this idle time, before the server closes the old one (after eight seconds).
const KEPT_FOR: Duration = Duration::from_secs(2);

/// Read timeout. The server answers every request within ten seconds, if necessary with 504.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The expected answer. Any other answer is a defect of the server or of the request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expected {
    /// The lookup finds a contact.
    Found,
    /// The lookup finds no contact.
    NotFound,
    /// The search finds contacts.
    Some,
    /// The search finds no contacts.
    None,
    /// The search finds any number of contacts.
    Any,
    /// The one box finds contacts.
    FoundSome,
    /// The one box finds no contacts.
    FoundNone,
    /// The server finds the contact of the message.
    Recorded,
}

impl Expected {
    fn is_met(self, body: &[u8]) -> bool {
        match self {
            Expected::Found => body.starts_with(br#"{"found":true,"#),
            Expected::NotFound => body.starts_with(br#"{"found":false"#),
            Expected::Some => body.starts_with(b"[{"),
            Expected::None => body == b"[]",
            Expected::Any => body.starts_with(b"["),
            Expected::FoundSome => body.starts_with(br#"{"results":[{"#),
            Expected::FoundNone => body.starts_with(br#"{"results":[],"#),
            Expected::Recorded => body == br#"{"status":"updated"}"# || body == br#"{"status":"unchanged"}"#,
        }
    }
}

/// A request, ready to be sent.
#[derive(Clone, Debug)]
pub struct Request {
    bytes: Vec<u8>,
    /// The parameters or the body, for error messages and the report.
    pub label: String,
    expected: Expected,
}

impl Request {
    /// `GET path`; percent-encodes the values of the parameters.
    pub fn get(key: &str, path: &str, parameters: &[(&str, &str)], expected: Expected) -> Self {
        let mut target = path.to_owned();
        for (at, (name, value)) in parameters.iter().enumerate() {
            let separator = if at == 0 { '?' } else { '&' };
            target.push_str(&format!("{separator}{name}={}", encode(value)));
        }
        let pairs: Vec<String> = parameters
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        Self {
            bytes: head("GET", &target, key, "").into_bytes(),
            label: pairs.join("&"),
            expected,
        }
    }

    /// `POST path` with a JSON body.
    pub fn post(key: &str, path: &str, body: &str, expected: Expected) -> Self {
        let headers = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
        Self {
            bytes: (head("POST", path, key, &headers) + body).into_bytes(),
            label: body.to_owned(),
            expected,
        }
    }
}

fn head(method: &str, target: &str, key: &str, headers: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\n{headers}\r\n")
}

/// Encodes a text as the value of a query parameter.
fn encode(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

/// The latency of an answer, from the first byte sent to the last one received.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    pub took: Duration,
    /// The status was 503 (no capacity) or 504 (deadline passed).
    pub is_refusal: bool,
}

/// One connection to the server.
pub struct Connection {
    address: String,
    stream: TcpStream,
    /// When the last request was sent or the last answer was received.
    used_at: Instant,
    received: Vec<u8>,
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

impl Connection {
    pub fn open(address: &str) -> anyhow::Result<Self> {
        Ok(Self {
            address: address.to_owned(),
            stream: connect(address)?,
            used_at: Instant::now(),
            received: Vec::new(),
        })
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// If the answer is neither the expected one nor a refusal.
    pub fn ask(&mut self, request: &Request) -> anyhow::Result<Answer> {
        self.send(request)?;
        self.answer(request)
    }

    /// Sends a request. Returns the status and the body of its answer, whatever they are.
    pub fn fetch(&mut self, request: &Request) -> anyhow::Result<(u16, Vec<u8>)> {
        self.send(request)?;
        let (status, body) = self
            .receive()
            .with_context(|| format!("{} has no answer", request.label))?;
        self.used_at = Instant::now();
        Ok((status, self.received.split_off(body)))
    }

    /// Sends a request. The next call must be [`Self::answer`].
    pub fn send(&mut self, request: &Request) -> anyhow::Result<()> {
        if self.used_at.elapsed() > KEPT_FOR {
            self.stream = connect(&self.address)?;
        }
        self.used_at = Instant::now();
        Ok(self.stream.write_all(&request.bytes)?)
    }

    /// Waits for the answer to the last request.
    ///
    /// # Errors
    /// The same as for [`Self::ask`].
    pub fn answer(&mut self, request: &Request) -> anyhow::Result<Answer> {
        let (status, body) = self
            .receive()
            .with_context(|| format!("{} has no answer", request.label))?;
        let start = std::mem::replace(&mut self.used_at, Instant::now());
        let took = self.used_at - start;
        let is_refusal = matches!(status, 503 | 504);
        if !is_refusal && (status != 200 || !request.expected.is_met(&self.received[body..])) {
            bail!(
                "{}: expected {:?}, got status {status}: {}",
                request.label,
                request.expected,
                String::from_utf8_lossy(&self.received[body..]),
            );
        }
        Ok(Answer { took, is_refusal })
    }

    /// Reads a complete answer. Returns its status and the offset of its body.
    fn receive(&mut self) -> anyhow::Result<(u16, usize)> {
        self.received.clear();
        let body = loop {
            self.read_more()?;
            if let Some(end) = self.received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
        };
        let head = std::str::from_utf8(&self.received[..body])?;
        let status = head.get(9..12).context("no status")?.parse()?;
        let length: usize = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .context("no length")?
            .1
            .parse()?;
        while self.received.len() < body + length {
            self.read_more()?;
        }
        Ok((status, body))
    }

    fn read_more(&mut self) -> anyhow::Result<()> {
        let mut bytes = [0; 32 * 1024];
        let count = self.stream.read(&mut bytes)?;
        ensure!(count > 0, "the server closed the connection");
        self.received.extend_from_slice(&bytes[..count]);
        Ok(())
    }
}

fn connect(address: &str) -> anyhow::Result<TcpStream> {
    let stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}
