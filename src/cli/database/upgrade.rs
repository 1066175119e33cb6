//! `database upgrade`

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::bail;
use clap::{Args, ValueHint};

use super::open::data_dir;
use crate::cli::environment::blame;
use crate::cli::output::{self, visible_path};
use crate::config::DatabaseConfig;
use crate::embedded::upgrade::{self, Outcome, Switched, UpgradeError, UpgradeOptions};

pub const EXAMPLE: &str = "Examples, while no server runs:\n  contact-search database upgrade\n  contact-search database \
                           upgrade --pg-bin /opt/postgresql-18/bin --old-pg-bin /opt/postgresql-15/bin\n\
                           Later, once the server has run well on the new version:\n  contact-search database upgrade \
                           --remove-old";

#[derive(Args, Debug)]
pub struct UpgradeArgs {
    /// The directory of the old version's programs; --pg-bin names the new version's [default: found like --pg-bin]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    old_pg_bin: Option<PathBuf>,
    /// Go back to the data from before the upgrade; what was written since then is only in the data that are moved away
    #[arg(long, conflicts_with_all = ["old_pg_bin", "remove_old"])]
    back: bool,
    /// Delete the data from before the upgrade, which ends the way back
    #[arg(long, conflicts_with = "old_pg_bin")]
    remove_old: bool,
}

pub fn run(config: &DatabaseConfig, arguments: &UpgradeArgs) -> anyhow::Result<()> {
    if config.database_url.is_some() {
        bail!(
            "database upgrade moves the private PostgreSQL, and {} names your own: upgrade that by its own means, or omit \
             the URL",
            config.variables.setter_of("--database-url")
        );
    }
    let data_dir = data_dir(config)?;
    let outcome = match arguments {
        UpgradeArgs { back: true, .. } => go_back(&data_dir),
        UpgradeArgs { remove_old: true, .. } => remove_old(&data_dir, config.pg_bin.as_deref()),
        UpgradeArgs { old_pg_bin, .. } => upgrade_to_newer(&UpgradeOptions {
            data_dir,
            programs: config.pg_bin.clone(),
            old_programs: old_pg_bin.clone(),
        }),
    };
    outcome.map_err(|error| {
        let variable = error.flag().and_then(|flag| config.variables.of(flag));
        blame(error.into(), variable)
    })
}

fn upgrade_to_newer(options: &UpgradeOptions) -> Result<(), UpgradeError> {
    let start = Instant::now();
    let outcome = upgrade::upgrade(options, &mut |step| output::say(step))?;
    match outcome {
        Outcome::AlreadyCurrent { version } => output::say(format_args!(
            "The data in {} are already those of PostgreSQL {version}: nothing was done. To move them to a newer version, \
             install its programs, or name their directory with --pg-bin.",
            visible_path(&options.data_dir)
        )),
        Outcome::Upgraded { from, to, kept } => output::say(format_args!(
            "The data are PostgreSQL {to}'s now, after {:.1} seconds. Those of PostgreSQL {from} are in {}.\n\
             Start the server. To go back, stop it and run `contact-search database upgrade --back`, which loses what was \
             written since now.\n\
             If all is well, `contact-search database upgrade --remove-old` frees their space.",
            start.elapsed().as_secs_f64(),
            visible_path(&kept)
        )),
    }
    Ok(())
}

fn go_back(data_dir: &Path) -> Result<(), UpgradeError> {
    let Switched { current, kept } = upgrade::go_back(data_dir)?;
    output::say(format_args!(
        "The data from before the upgrade, PostgreSQL {current}'s, are the current ones again. Those that were current, with \
         everything written since the upgrade, are in {}: remove that directory when you no longer need it.",
        visible_path(&kept)
    ));
    Ok(())
}

fn remove_old(data_dir: &Path, programs: Option<&Path>) -> Result<(), UpgradeError> {
    let removed = upgrade::remove_old(data_dir, programs)?;
    for directory in removed {
        output::say(format_args!("Removed {}.", visible_path(&directory)));
    }
    Ok(())
}
