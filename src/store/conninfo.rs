//! Converts the database URL into options for PostgreSQL's programs, as libpq parses it.

use std::ffi::{CStr, CString, c_char};
use std::fmt::Write as _;
use std::ptr;

use super::connection::with_timeouts;
use super::error::ConnectError;

/// A database URL, split into a public and a secret part.
pub struct ProgramConnection {
    /// `key='value'` pairs for a program's `--dbname`, which every user of the machine can read.
    pub options: String,
    /// The password, for the program's environment variable `PGPASSWORD`.
    pub password: Option<String>,
}

/// Why a URL can't be passed to a program. The message contains no part of the URL.
#[derive(Debug, thiserror::Error)]
pub enum UnusableUrl {
    #[error(transparent)]
    Refused(#[from] ConnectError),
    #[error(
        "the database URL has {0}, which PostgreSQL's programs take only as an argument that every user of the machine \
         can read: write it into libpq's service file, and put `service=NAME` into the URL"
    )]
    OtherSecret(String),
}

/// Parses a URL, or `key=value` pairs. For missing options the program asks libpq's other sources: the environment, the
/// password file, the service file.
///
/// # Errors
/// [`UnusableUrl`] if libpq can't parse it, or if it has a secret besides the password, such as `sslpassword`.
pub fn for_program(url: &str) -> Result<ProgramConnection, UnusableUrl> {
    let mut connection = ProgramConnection {
        options: String::new(),
        password: None,
    };
    for ConnectionOption { key, value, is_secret } in parse(&with_timeouts(url))? {
        match (key.as_str(), is_secret) {
            ("password", _) => connection.password = Some(value),
            (_, true) => return Err(UnusableUrl::OtherSecret(key)),
            (_, false) => {
                let value = value.replace('\\', r"\\").replace('\'', r"\'");
                let _ = write!(connection.options, "{key}='{value}' ");
            }
        }
    }
    Ok(connection)
}

struct ConnectionOption {
    key: String,
    value: String,
    /// Whether libpq marks the option as a secret.
    is_secret: bool,
}

/// The options that the URL sets.
#[allow(unsafe_code, reason = "libpq has no safe binding for it")]
fn parse(url: &str) -> Result<Vec<ConnectionOption>, ConnectError> {
    let url = CString::new(url).map_err(|_| ConnectError::Url)?;
    // SAFETY: libpq owns the array until it is freed below. It ends with an element whose keyword is null, and its
    // texts are null or end with a NUL. The second argument is null, so libpq returns no error message: that would
    // repeat parts of the URL.
    unsafe {
        let options = pq_sys::PQconninfoParse(url.as_ptr(), ptr::null_mut());
        if options.is_null() {
            return Err(ConnectError::Url);
        }
        let text = |text: *const c_char| (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned());
        let mut pairs = Vec::new();
        let mut option = options;
        while let Some(key) = text((*option).keyword) {
            if let Some(value) = text((*option).val) {
                let is_secret = text((*option).dispchar).as_deref() == Some("*");
                pairs.push(ConnectionOption { key, value, is_secret });
            }
            option = option.add(1);
        }
        pq_sys::PQconninfoFree(options);
        Ok(pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_removed_from_both_forms_and_the_rest_stays() {
        for url in [
            "postgres://u:p%40%27s%5Cs@h:5433/d?sslmode=disable&options=-c%20geqo%3Doff",
            "postgres://u@h:5433/d?password=p%40%27s%5Cs&sslmode=disable&options=-c%20geqo%3Doff",
            r"host=h port=5433 user=u dbname=d password='p@\'s\\s' sslmode=disable options='-c geqo=off'",
        ] {
            let connection = for_program(url).unwrap_or_else(|error| panic!("{url}: {error}"));
            assert_eq!(connection.password.as_deref(), Some(r"p@'s\s"));
            assert!(!connection.options.contains("p@"), "{}", connection.options);
            let again = for_program(&connection.options).expect("it is libpq's other form");
            assert_eq!((again.password, &again.options), (None, &connection.options));
            for pair in [
                "host='h'",
                "port='5433'",
                "user='u'",
                "dbname='d'",
                "options='-c geqo=off'",
            ] {
                assert!(connection.options.contains(pair), "{}", connection.options);
            }
        }
        let odd = for_program(r"postgres:///a'b%5Cc").expect("a URL");
        assert!(odd.options.contains(r"dbname='a\'b\\c'"), "{}", odd.options);
    }

    #[test]
    fn other_secrets_are_refused_and_an_error_never_contains_a_part_of_the_url() {
        for url in [
            "postgres://u:hunter2@h/d?sslpassword=hunter2",
            "postgres://u:hunter2%zz@h/d",
            "host=h password='hunter2",
            "postgres://u:hun\0ter2@h/d",
        ] {
            let error = for_program(url).err().expect("it is refused");
            assert!(!format!("{error} {error:?}").contains("unter2"), "{error:?}");
        }
    }
}
