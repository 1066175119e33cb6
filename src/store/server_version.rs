//! The version of the PostgreSQL server.

use std::fmt;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Integer;

use super::error::StoreError;

/// A version of PostgreSQL, such as 15.8.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ServerVersion(i32);

impl ServerVersion {
    /// Takes PostgreSQL's `server_version_num`, such as 150008.
    pub fn from_number(number: i32) -> Self {
        Self(number)
    }

    /// The major version, such as 15.
    pub fn major(self) -> u32 {
        self.0.unsigned_abs() / 10_000
    }
}

impl fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major(), self.0.unsigned_abs() % 10_000)
    }
}

/// Reads the version of the server.
///
/// # Errors
/// [`StoreError`]
pub fn server_version(connection: &mut PgConnection) -> Result<ServerVersion, StoreError> {
    #[derive(QueryableByName)]
    struct Server {
        #[diesel(sql_type = Integer)]
        version: i32,
    }
    let server: Server =
        sql_query("SELECT current_setting('server_version_num')::integer AS version").get_result(connection)?;
    Ok(ServerVersion(server.version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_reads_like_postgresqls_own() {
        let version = ServerVersion::from_number(150_018);
        assert_eq!((version.to_string().as_str(), version.major()), ("15.18", 15));
    }
}
