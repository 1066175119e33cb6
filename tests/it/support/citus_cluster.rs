//! A Citus cluster of its own: a coordinator without shards, and two workers.

use std::path::Path;

use contact_search::domain::client::ClientId;
use contact_search::embedded::PrivateDatabase;
use contact_search::store::connection::connect;
use contact_search::store::migrations::migrate;
use nix::sys::signal::{Signal, kill};

use super::private_database::{options, postmaster, query};
use super::{OwnDirectory, citus};

pub struct CitusCluster {
    // Declared before the directories, so that the servers stop first.
    pub coordinator: PrivateDatabase,
    pub workers: Vec<PrivateDatabase>,
    /// The workers' directories, and the coordinator's.
    directories: Vec<OwnDirectory>,
}

impl CitusCluster {
    /// Starts the servers. They do not know each other, and have neither the extension nor a schema.
    pub fn start_servers(programs: &Path) -> Self {
        let directories: Vec<_> = (0..3).map(|_| OwnDirectory::new()).collect();
        let mut servers: Vec<_> = directories.iter().map(|directory| start(directory, programs)).collect();
        Self {
            coordinator: servers.pop().expect("three servers"),
            workers: servers,
            directories,
        }
    }

    /// Starts a cluster with a migrated schema that is not distributed.
    pub fn start(programs: &Path) -> Self {
        let cluster = Self::start_servers(programs);
        cluster.create_extension();
        citus::set_coordinator(&cluster.coordinator);
        cluster.add_workers();
        migrate(&mut connect(&cluster.url()).unwrap()).unwrap();
        cluster
    }

    pub fn create_extension(&self) {
        for server in self.workers.iter().chain([&self.coordinator]) {
            citus::execute_on(server, "CREATE EXTENSION citus");
        }
    }

    pub fn add_workers(&self) {
        for worker in &self.workers {
            citus::add_worker(&self.coordinator, worker);
        }
    }

    pub fn url(&self) -> String {
        self.coordinator.url()
    }

    /// The number of the worker with the client's contacts.
    pub fn worker_of(&self, client: ClientId) -> usize {
        let host = query(
            &self.url(),
            &format!(
                "SELECT nodename FROM pg_dist_placement JOIN pg_dist_node USING (groupid)
                 WHERE shardid = get_shard_id_for_distribution_column('contacts', '{client}')"
            ),
        );
        let is_host = |worker: &PrivateDatabase| citus::place(worker).0 == host;
        self.workers.iter().position(is_host).expect("a worker has the client")
    }

    /// Kills a worker, with all its connections.
    pub fn kill_worker(&self, worker: usize) {
        kill(postmaster(self.directories[worker].path()), Signal::SIGQUIT).expect("the server runs");
    }
}

fn start(directory: &OwnDirectory, programs: &Path) -> PrivateDatabase {
    let mut options = options(directory.path());
    options.programs = Some(programs.to_owned());
    options.settings.extend(citus::settings());
    PrivateDatabase::open(&options).unwrap_or_else(|error| panic!("{error}"))
}
