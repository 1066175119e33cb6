//! PostgreSQL's versions.

/// The oldest major version that is used: the oldest that PostgreSQL's developers still mend.
pub(super) const OLDEST_VERSION: u32 = 14;

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, `postgres (PostgreSQL) 18beta1`.
pub(super) fn parse_version(said: &str) -> Option<(String, u32)> {
    let version = said.split_whitespace().nth(2)?;
    let digits = version.bytes().take_while(u8::is_ascii_digit).count();
    Some((version.to_owned(), version[..digits].parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_as_the_distributions_print_it() {
        let debian = parse_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n");
        assert_eq!(debian, Some(("15.18".into(), 15)));
        assert_eq!(
            parse_version("postgres (PostgreSQL) 18beta1\n"),
            Some(("18beta1".into(), 18))
        );
        assert_eq!(parse_version("sh: not found"), None);
        assert_eq!(parse_version(""), None);
    }
}
