//! `POST /page/demo-key`: the key of the demo, for the search page on the same machine.
//!
//! Every refusal is a 404, so that the answer says nothing about the server. The key is given away only if all of these
//! hold:
//!
//! - The server has a demo, and listens on a loopback address. [`PageFiles`] holds no key otherwise.
//! - The caller's address is a loopback address.
//! - The request's target is a path. Browsers send an address with a host only to proxies.
//! - `Host` is `localhost` or a loopback address. An attacker's page can make its own name resolve to 127.0.0.1 (DNS
//!   rebinding), but then the browser sends that name.
//! - No proxy has passed the request on. Proxies add `X-Forwarded-For`, `Forwarded` or `Via`, or speak HTTP/1.0.
//! - The page of this server asks. Browsers add `Origin` to every POST of a script, and no script can change it. A page
//!   of another origin has another `Origin`, and its `Sec-Fetch-Site` is not `same-origin`. Behind a proxy that hides
//!   itself, `Origin` has the proxy's public name, which is not `Host`.

use actix_web::http::Version;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::http::uri::Authority;
use actix_web::{HttpRequest, web};
use serde::Serialize;

use super::files::PageFiles;
use crate::http::error::ApiError;

/// The headers by which a proxy shows itself.
const OF_PROXIES: [HeaderName; 6] = [
    header::FORWARDED,
    header::VIA,
    header::X_FORWARDED_FOR,
    header::X_FORWARDED_HOST,
    header::X_FORWARDED_PROTO,
    HeaderName::from_static("x-real-ip"),
];

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The key of the demo.
#[derive(Serialize)]
pub struct DemoKey {
    key: String,
}

/// Answers with the key, or with 404.
pub async fn give_demo_key(request: HttpRequest, files: web::Data<PageFiles>) -> Result<web::Json<DemoKey>, ApiError> {
    let key = files.demo_key().ok_or(ApiError::NotFound)?;
    if !is_own_page_on_this_machine(&request) {
        return Err(ApiError::NotFound);
    }
    let key = key.reveal().to_owned();
    Ok(web::Json(DemoKey { key }))
}

fn is_own_page_on_this_machine(request: &HttpRequest) -> bool {
    let headers = request.headers();
    let is_direct = request.version() == Version::HTTP_11 && !OF_PROXIES.iter().any(|name| headers.contains_key(name));
    let is_near = request
        .peer_addr()
        .is_some_and(|peer| peer.ip().to_canonical().is_loopback());
    let has_plain_target = request.uri().authority().is_none();
    let is_same_site = match headers.contains_key(SEC_FETCH_SITE) {
        true => only(headers, &SEC_FETCH_SITE) == Some("same-origin"),
        // Browsers omit the header in pages that they do not trust, and older ones do not know it.
        false => true,
    };
    let host = only(headers, &header::HOST).filter(|host| is_of_this_machine(host));
    let origin = only(headers, &header::ORIGIN);
    let is_same_origin = match (host, origin.and_then(|origin| origin.strip_prefix("http://"))) {
        (Some(host), Some(origin)) => host.eq_ignore_ascii_case(origin),
        _ => false,
    };
    is_direct && is_near && has_plain_target && is_same_site && is_same_origin
}

/// The value of a header that was sent once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name);
    let value = values.next()?;
    match values.next() {
        None => value.to_str().ok(),
        Some(_) => None,
    }
}

/// Whether a `Host` names this machine: `localhost` or a loopback address, with or without a port.
fn is_of_this_machine(host: &str) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    if host.contains('@') {
        return false;
    }
    let name = authority.host();
    let address = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || address
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_localhost_and_loopback_addresses_are_of_this_machine() {
        for host in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1",
            "127.0.0.1:8080",
            "127.9.9.9:80",
            "[::1]",
            "[::1]:8080",
            "[::ffff:127.0.0.1]:8080",
        ] {
            assert!(is_of_this_machine(host), "{host}");
        }
        for host in [
            "",
            "test",
            "evil.example",
            "localhost.evil.example",
            "evil.localhost",
            "localhost.",
            "127.0.0.1.evil.example",
            "127.0.0.1.nip.io:8080",
            "127.1",
            "2130706433",
            "0.0.0.0:8080",
            "192.168.0.10:8080",
            "[::]:8080",
            "[2001:db8::1]",
            "localhost@evil.example",
            "evil@localhost",
            "localhost, evil.example",
            "localhost/evil",
        ] {
            assert!(!is_of_this_machine(host), "{host}");
        }
    }
}
