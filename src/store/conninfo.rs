//! The database URL as PostgreSQL's own programs take it, in libpq's reading of it.

use std::ffi::{CStr, CString, c_char};
use std::fmt::Write as _;
use std::ptr;

use super::connection::with_timeouts;
use super::error::ConnectError;

/// A database URL in two parts, of which one may be seen.
pub struct ProgramConnection {
    /// `key='value'` pairs for a program's `--dbname`, where everybody on the machine can read them.
    pub options: String,
    /// For the program's environment, as `PGPASSWORD`.
    pub password: Option<String>,
}

/// Why a URL can't be given to a program. No part of the URL is in the sentence.
#[derive(Debug, thiserror::Error)]
pub enum UnusableUrl {
    #[error(transparent)]
    Refused(#[from] ConnectError),
    #[error(
        "the database URL has {0}, which PostgreSQL's programs take where everybody can read it: write it into libpq's \
         file of services, and `service=` with its name into the URL"
    )]
    OtherSecret(String),
}

/// Reads a URL, or `key=value` pairs. What it leaves out the program takes from where libpq does: from its environment,
/// a file of passwords, a file of services.
///
/// # Errors
/// Where libpq can't read it, or where it has a secret besides the password, such as that of a client's certificate.
pub fn for_program(url: &str) -> Result<ProgramConnection, UnusableUrl> {
    let mut connection = ProgramConnection {
        options: String::new(),
        password: None,
    };
    for Pair { key, value, is_secret } in parse(&with_timeouts(url))? {
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

struct Pair {
    key: String,
    value: String,
    /// To libpq it is something that a dialog would hide.
    is_secret: bool,
}

/// The pairs that a URL has a value for.
#[allow(unsafe_code, reason = "libpq has no safe binding for it")]
fn parse(url: &str) -> Result<Vec<Pair>, ConnectError> {
    let url = CString::new(url).map_err(|_| ConnectError::Url)?;
    // SAFETY: the array is libpq's own until it is freed below, and ends with an element whose keyword is null; its
    // texts are null or end with a NUL. What libpq would say of a URL that it can't read isn't asked for, since it
    // repeats parts of it.
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
                pairs.push(Pair { key, value, is_secret });
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
