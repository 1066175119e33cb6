//! Load patterns: requests in turn on one connection, on many concurrent connections, and while messages are recorded.

use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use chrono::Utc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use crate::client::{Answer, Connection, Expected, PATIENCE, Request};
use crate::process;
use crate::terms::{Class, Person};

/// Latencies of answers.
#[derive(Clone, Default, Debug)]
pub struct Samples {
    times: Vec<Duration>,
    /// The number of 503 and 504 answers.
    pub refused: usize,
}

impl Samples {
    /// Sends a request and adds its latency.
    pub fn ask(&mut self, connection: &mut Connection, request: &Request) -> anyhow::Result<()> {
        self.add(connection.ask(request)?);
        Ok(())
    }

    fn add(&mut self, answer: Answer) {
        self.times.push(answer.took);
        self.refused += usize::from(answer.is_refusal);
    }

    pub fn merge(&mut self, other: Samples) {
        self.times.extend(other.times);
        self.refused += other.refused;
    }

    pub fn count(&self) -> usize {
        self.times.len()
    }

    pub fn median(&self) -> Duration {
        self.quantile(0.5)
    }

    /// The quantile `part` (0 to 1) of the latencies, or zero without samples.
    pub fn quantile(&self, part: f64) -> Duration {
        let mut sorted = self.times.clone();
        sorted.sort_unstable();
        let at = (sorted.len() as f64 * part).ceil() as usize;
        sorted.get(at.saturating_sub(1)).copied().unwrap_or_default()
    }
}

impl FromIterator<Duration> for Samples {
    fn from_iter<I: IntoIterator<Item = Duration>>(times: I) -> Self {
        Self {
            times: times.into_iter().collect(),
            refused: 0,
        }
    }
}

/// A connection, and the classes whose requests it sends.
pub struct Track<'a> {
    pub connection: Connection,
    pub classes: &'a [Class],
}

impl Track<'_> {
    /// Sends the class's request of a round.
    fn ask(&mut self, class: &Class, round: usize, samples: &mut Samples) -> anyhow::Result<()> {
        let request = &class.requests[round % class.requests.len()];
        samples.ask(&mut self.connection, request).with_context(|| class.name)
    }
}

/// Sends requests in rounds. A round has one request of every class of every track, so that a disturbance of the
/// machine affects all classes alike. Ends after `rounds` rounds, or after the first round that ends later than `time`.
/// Returns the samples per track and class.
pub fn ask_in_turn(tracks: &mut [Track], rounds: usize, time: Duration) -> anyhow::Result<Vec<Vec<Samples>>> {
    let mut samples = no_samples(tracks);
    let start = Instant::now();
    for round in 0..rounds {
        for (track, samples) in tracks.iter_mut().zip(&mut samples) {
            for (class, samples) in track.classes.iter().zip(samples) {
                track.ask(class, round, samples)?;
            }
        }
        if start.elapsed() > time {
            break;
        }
    }
    Ok(samples)
}

/// The unit in which [`ask_while`] weighs rounds.
const UNIT: Duration = Duration::from_millis(10);

/// Sends requests in rounds, as [`ask_in_turn`] does, as long as `goes_on`. Ignores the last round if it is incomplete.
/// The samples of a round count once per 10 ms that the round takes. Otherwise a slow minute, which
/// has fewer rounds, would count less than a fast one.
///
/// # Errors
/// If no round is complete, and those of the requests.
pub fn ask_while(tracks: &mut [Track], goes_on: impl Fn() -> bool) -> anyhow::Result<Vec<Vec<Samples>>> {
    let mut all = no_samples(tracks);
    let mut number = 0;
    loop {
        let mut round = no_samples(tracks);
        let start = Instant::now();
        for (track, samples) in tracks.iter_mut().zip(&mut round) {
            for (class, samples) in track.classes.iter().zip(samples) {
                track.ask(class, number, samples)?;
                if !goes_on() {
                    ensure!(number > 0, "the time was too short for one request of each class");
                    return Ok(all);
                }
            }
        }
        let weight = start.elapsed().div_duration_f64(UNIT).ceil() as usize;
        for (all, samples) in all.iter_mut().flatten().zip(round.iter().flatten()) {
            (0..weight).for_each(|_| all.merge(samples.clone()));
        }
        number += 1;
    }
}

/// No samples, per track and class.
fn no_samples(tracks: &[Track]) -> Vec<Vec<Samples>> {
    let classes = tracks.iter().map(|track| track.classes.len());
    classes.map(|count| vec![Samples::default(); count]).collect()
}

/// Kinds of requests, each with its percentage of the load.
pub type Mix<'a> = [(u32, &'a [&'a Request])];

/// The result of many concurrent connections.
#[derive(Default)]
pub struct Throughput {
    pub samples: Samples,
    pub elapsed: Duration,
}

impl Throughput {
    pub fn merge(&mut self, other: Throughput) {
        self.samples.merge(other.samples);
        self.elapsed += other.elapsed;
    }

    /// Answers per second, without refusals.
    pub fn per_second(&self) -> f64 {
        (self.samples.count() - self.samples.refused) as f64 / self.elapsed.as_secs_f64()
    }
}

/// Sends requests over `connections` concurrent connections, one at a time on each, until `most` requests were sent or
/// `time` has passed. Like pgbench it runs one thread per core, and each thread polls its share of the connections. A
/// thread per connection would be woken for each answer, at the expense of the server.
pub fn ask_at_once(
    address: &str,
    connections: usize,
    mix: &Mix<'_>,
    most: u64,
    time: Duration,
) -> anyhow::Result<Throughput> {
    let asked = AtomicU64::new(0);
    let threads = connections.min(process::cores());
    let start = Instant::now();
    let ask = |number: usize| {
        let mut random = ChaCha8Rng::seed_from_u64(number as u64);
        let mut samples = Samples::default();
        let mut asking = Vec::new();
        let may_ask = || start.elapsed() < time && asked.fetch_add(1, Ordering::Relaxed) < most;
        for _ in (number..connections).step_by(threads) {
            let mut connection = Connection::open(address)?;
            if may_ask() {
                let request = pick(&mut random, mix);
                connection.send(request)?;
                asking.push((connection, request));
            }
        }
        while !asking.is_empty() {
            for at in answering(&asking)?.into_iter().rev() {
                let (connection, request) = &mut asking[at];
                samples.add(connection.answer(request)?);
                if may_ask() {
                    *request = pick(&mut random, mix);
                    connection.send(request)?;
                } else {
                    asking.swap_remove(at);
                }
            }
        }
        anyhow::Ok(samples)
    };
    let samples = thread::scope(|scope| {
        let ask = &ask;
        collect((0..threads).map(|number| scope.spawn(move || ask(number))).collect())
    })?;
    Ok(Throughput {
        samples,
        elapsed: start.elapsed(),
    })
}

/// Waits until at least one connection is readable. Returns the indexes of all readable connections.
fn answering(asking: &[(Connection, &Request)]) -> anyhow::Result<Vec<usize>> {
    let mut polled: Vec<PollFd> = asking
        .iter()
        .map(|(connection, _)| PollFd::new(connection.as_fd(), PollFlags::POLLIN))
        .collect();
    ensure!(
        poll(&mut polled, PollTimeout::try_from(PATIENCE)?)? > 0,
        "the server does not answer"
    );
    let places = polled.iter().enumerate();
    Ok(places
        .filter(|(_, polled)| polled.any() == Some(true))
        .map(|(at, _)| at)
        .collect())
}

fn pick<'a>(random: &mut ChaCha8Rng, mix: &Mix<'a>) -> &'a Request {
    let mut left = random.random_range(0..mix.iter().map(|kind| kind.0).sum());
    let (_, requests) = mix
        .iter()
        .find(|kind| match u32::checked_sub(left, kind.0) {
            Some(rest) => {
                left = rest;
                false
            }
            None => true,
        })
        .expect("the weights add up");
    requests[random.random_range(0..requests.len())]
}

fn collect(threads: Vec<thread::ScopedJoinHandle<'_, anyhow::Result<Samples>>>) -> anyhow::Result<Samples> {
    let mut all = Samples::default();
    for thread in threads {
        all.merge(thread.join().map_err(|_| anyhow!("a connection's thread panicked"))??);
    }
    Ok(all)
}

/// A load of messages, one per request, at an even pace.
pub struct Messages<'a> {
    pub address: &'a str,
    pub key: &'a str,
    /// The contacts that the messages are from.
    pub people: &'a [Person],
    pub connections: usize,
    /// The rate of all connections together.
    pub per_second: f64,
}

/// The longest delay that a late connection makes up for. It sends the messages of this time without a pause, and skips
/// the messages that were due earlier.
const HICCUP: Duration = Duration::from_secs(1);

/// Runs `work` while messages are recorded. If the server is slower than the pace, each connection sends its next
/// message as soon as the last one is answered.
pub fn beside_messages<T>(
    messages: &Messages<'_>,
    work: impl FnOnce() -> anyhow::Result<T>,
) -> anyhow::Result<(T, Throughput)> {
    let people: Vec<&Person> = messages.people.iter().filter(|person| person.phone.is_some()).collect();
    ensure!(!people.is_empty(), "no contact has a phone");
    let done = AtomicBool::new(false);
    let start = Instant::now();
    let pace = Duration::from_secs_f64(messages.connections as f64 / messages.per_second);
    let record = |number: usize| {
        let mut connection = Connection::open(messages.address)?;
        let mut samples = Samples::default();
        let mut due = start + pace.mul_f64(number as f64 / messages.connections as f64);
        for person in people.iter().skip(number).step_by(messages.connections).cycle() {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if done.load(Ordering::Relaxed) {
                break;
            }
            samples.ask(&mut connection, &message(messages.key, person))?;
            // Makes up for a short pause, but not for a backlog that a slow server causes.
            due = (due + pace).max(Instant::now() - HICCUP);
        }
        anyhow::Ok(samples)
    };
    let (outcome, samples) = thread::scope(|scope| {
        let record = &record;
        let threads = (0..messages.connections)
            .map(|number| scope.spawn(move || record(number)))
            .collect();
        let outcome = work();
        done.store(true, Ordering::Relaxed);
        (outcome, collect(threads))
    });
    let elapsed = start.elapsed();
    Ok((
        outcome?,
        Throughput {
            samples: samples?,
            elapsed,
        },
    ))
}

fn message(key: &str, person: &Person) -> Request {
    let body = serde_json::json!({
        "platform": person.platform,
        "phone": person.phone,
        "direction": "inbound",
        "sentAt": Utc::now().to_rfc3339(),
    });
    Request::post(key, "/api/v1/messages/", &body.to_string(), Expected::Recorded)
}
