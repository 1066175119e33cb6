//! The configuration files, rewritten before each start.

use std::fmt::Write as _;
use std::path::Path;

use nix::unistd::{Uid, User};

use super::layout::{APPLICATION_ROLE, SUPERUSER};
use super::owner::Owner;
use super::socket::PORT;

const IDENTITY_MAP: &str = "contact-search";

pub(super) fn settings(socket_directory: &Path, extra: &[(String, String)]) -> String {
    let mut text = String::from("# Written by contact-search at each start: changes are lost.\n");
    let own = [
        ("listen_addresses", ""),
        ("unix_socket_directories", &socket_directory.to_string_lossy()),
        ("unix_socket_permissions", "0700"),
        ("port", &PORT.to_string()),
        ("max_connections", "100"),
        ("lc_messages", "C"),
        ("timezone", "UTC"),
        ("log_timezone", "UTC"),
        // One log file for each day of the week, overwritten a week later.
        ("logging_collector", "on"),
        ("log_directory", "log"),
        ("log_filename", "postgresql-%a.log"),
        ("log_rotation_age", "1d"),
        ("log_rotation_size", "0"),
        ("log_truncate_on_rotation", "on"),
        // Error details, contexts and statements can contain contacts' phones and emails.
        ("log_error_verbosity", "terse"),
        ("log_min_error_statement", "panic"),
    ];
    let extra = extra.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in own.into_iter().chain(extra) {
        let value = value.replace('\\', r"\\").replace('\'', "''");
        let _ = writeln!(text, "{name} = '{value}'");
    }
    text
}

pub(super) fn host_based_authentication() -> String {
    format!("# Written by contact-search at each start: changes are lost.\nlocal all all peer map={IDENTITY_MAP}\n")
}

/// Which system user may log in as which role: PostgreSQL's user, and root, who can become that user anyway.
pub(super) fn identity_map(owner: &Owner) -> String {
    let root = User::from_uid(Uid::from_raw(0)).ok().flatten();
    let mut users = vec![owner.name()];
    users.extend(root.iter().map(|root| root.name.as_str()));
    let mut text = String::from("# Written by contact-search at each start: changes are lost.\n");
    for user in users {
        for role in [APPLICATION_ROLE, SUPERUSER] {
            let _ = writeln!(text, "{IDENTITY_MAP} \"{user}\" {role}");
        }
    }
    text
}
