//! The client's address behind trusted proxies.

use std::net::IpAddr;

use actix_web::http::header::HeaderMap;
use ipnet::IpNet;

/// The address that a request came from.
///
/// Each proxy appends its client's address to `X-Forwarded-For`. The result is the last address in there that is not a
/// trusted proxy's. The addresses before it may be forged.
pub fn caller_address(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(&address.to_canonical()));
    if !is_trusted(&peer) {
        return peer;
    }
    let lines: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .map(|value| value.to_str().unwrap_or_default())
        .collect();
    let mut nearest = peer;
    for text in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
        match text.trim().parse() {
            Ok(address) => nearest = address,
            // A trusted proxy appends only addresses. So no trusted proxy wrote this entry or an
            // earlier one.
            Err(_) => return nearest,
        }
        if !is_trusted(&nearest) {
            break;
        }
    }
    nearest
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn address(peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            let value = HeaderValue::from_str(value).unwrap();
            headers.append(HeaderName::from_static("x-forwarded-for"), value);
        }
        let trusted = ["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
        caller_address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn the_last_untrusted_address_is_the_callers() {
        assert_eq!(address("10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(
            address("10.0.0.1", &["198.51.100.1, 203.0.113.9, 10.0.0.2"]),
            "203.0.113.9"
        );
        assert_eq!(
            address("10.0.0.1", &["198.51.100.1", "203.0.113.9,10.0.0.2"]),
            "203.0.113.9"
        );
        assert_eq!(address("2001:db8::1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(
            address("::ffff:10.0.0.1", &["203.0.113.9"]),
            "203.0.113.9",
            "IPv4 on an IPv6 socket"
        );
    }

    #[test]
    fn the_header_of_an_untrusted_peer_is_ignored() {
        assert_eq!(address("203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(address("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(address("10.0.0.1", &["unknown"]), "10.0.0.1");
        assert_eq!(address("10.0.0.1", &["198.51.100.1, ' OR 1=1, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(
            address("10.0.0.1", &["10.0.0.3"]),
            "10.0.0.3",
            "every address is a trusted proxy"
        );
    }
}
