//! The section about the peer: the documented reads as they are usually written. `benches/peer` has its program, which
//! runs on a copy of the same contacts.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::Context;

use crate::client::Request;
use crate::load::{self, Throughput};
use crate::process::{self, Process};
use crate::report::{Goal, Ratio, Row};
use crate::sections::Bench;
use crate::stage;

/// The connections of each load.
const CONNECTIONS: usize = 8;

/// The least ratio of the answers per second, for searches and for lookups.
const SEARCHES_LEAST: f64 = 2.0;
const LOOKUPS_LEAST: f64 = 1.5;

/// The running peer.
struct Peer {
    address: String,
    _process: Process,
}

impl Peer {
    /// Installs the packages, makes the tables unless an earlier run has made them, and starts the program. It answers
    /// requests with the large client's key.
    fn start(bench: &Bench<'_>) -> anyhow::Result<Self> {
        let directory = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peer"));
        process::run(Command::new("npm").args(["ci", "--silent"]).current_dir(&directory))?;
        let mut connection = bench.filled.connect()?;
        let present = "SELECT coalesce(to_regclass('peer.contacts')::text, '') AS text";
        if stage::text(&mut connection, present)?.is_empty() {
            eprintln!("making the tables of the peer");
            let tables = directory.join("tables.sql");
            bench.psql(&[&format!("\\i {}", tables.display()), "VACUUM (ANALYZE) peer.contacts"])?;
        }
        let mut command = Command::new("node");
        command
            .arg(directory.join("server.js"))
            .env("NODE_ENV", "production")
            .env("DATABASE_URL", &bench.filled.url)
            .env("CLIENT", bench.large.client.to_string())
            .env("KEY", &bench.large.key)
            .stdout(Stdio::piped());
        let mut process = Process::start(&mut command)?;
        let output = process.child().stdout.take().context("standard output is piped")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let (_, address) = line
            .trim()
            .split_once("answers on http://")
            .context("the peer did not start")?;
        Ok(Self {
            address: address.to_owned(),
            _process: process,
        })
    }
}

impl Bench<'_> {
    /// Compares the answers per second of each documented class with those of the peer, in alternating passes.
    pub fn measure_peer(&mut self) -> anyhow::Result<()> {
        let peer = Peer::start(self)?;
        let lookups = self.large.lookups.iter().map(|class| (class, LOOKUPS_LEAST));
        let searches = self.large.searches.iter().map(|class| (class, SEARCHES_LEAST));
        for (class, least) in lookups.chain(searches) {
            let requests: Vec<&Request> = class.requests.iter().collect();
            let ask =
                |address: &str| load::ask_at_once(address, CONNECTIONS, &[(100, &requests)], u64::MAX, self.slice());
            let (mut ours, mut of_peer) = (Throughput::default(), Throughput::default());
            for _ in 0..self.passes() {
                ours.merge(ask(&self.server.address)?);
                of_peer.merge(ask(&peer.address)?);
            }
            let (per_second, by_peer) = (ours.per_second(), of_peer.per_second());
            let row = Row::new("peer", format!("{}, {CONNECTIONS} connections", class.name))
                .times(&ours.samples)
                .ratio(Ratio::Times(per_second / by_peer))
                .goal(Goal::AtLeast(least))
                .note(format!("{per_second:.0}/s, the peer {by_peer:.0}/s"));
            self.report.add(row);
        }
        Ok(())
    }
}
