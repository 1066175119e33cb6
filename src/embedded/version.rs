//! Versions of PostgreSQL.

/// The oldest supported major version: the oldest that PostgreSQL's developers still maintain.
pub(super) const OLDEST_VERSION: u32 = 14;

/// Parses the output of `--version`, such as `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` or `postgres
/// (PostgreSQL) 18beta1`.
pub(super) fn parse_version(output: &str) -> Option<(String, u32)> {
    let version = output.split_whitespace().nth(2)?;
    let digits = version.bytes().take_while(u8::is_ascii_digit).count();
    Some((version.to_owned(), version[..digits].parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_distributions_and_betas_are_parsed() {
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
