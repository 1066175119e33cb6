//! The files of the API reference at `/docs`: their headers, their compression, and how long browsers keep them.

use std::collections::BTreeSet;
use std::io::Read;

use flate2::read::GzDecoder;

use crate::support::{Answer, TestApp};

/// The addresses of this server in the page.
fn addresses(page: &Answer) -> BTreeSet<String> {
    let parts = page.body.split('"').filter(|part| part.starts_with('/'));
    parts.map(str::to_owned).collect()
}

fn assert_has_headers(answer: &Answer, target: &str) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        ("vary", "Accept-Encoding"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name} of {target}");
    }
    let policy = answer.header("content-security-policy").unwrap_or_default();
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    for allowed in ["unsafe", "http", "*"] {
        assert!(!policy.contains(allowed), "{policy}");
    }
}

#[test]
fn the_page_names_files_of_this_server_alone_and_every_one_is_there() {
    let app = TestApp::start();
    let page = app.server.get("/docs", None);
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    assert_has_headers(&page, "/docs");
    assert!(!page.body.contains("//"), "the page names another host");
    let addresses = addresses(&page);
    assert_eq!(addresses.len(), 7, "{addresses:?}");
    for target in &addresses {
        let answer = app.server.get(target, None);
        assert_eq!(answer.status, 200, "{target}");
        if target.starts_with("/docs/") {
            assert_has_headers(&answer, target);
            let cache = answer.header("cache-control");
            assert_eq!(cache, Some("public, max-age=31536000, immutable"), "{target}");
        }
    }
    let slash = app.server.get("/docs/", None);
    assert_eq!((slash.status, slash.body), (200, page.body));
}

#[test]
fn a_file_is_the_same_with_and_without_compression() {
    let app = TestApp::start();
    for target in addresses(&app.server.get("/docs", None))
        .iter()
        .filter(|target| target.starts_with("/docs/"))
    {
        let plain = app.server.get(target, None);
        assert_eq!(plain.header("content-encoding"), None, "{target}");
        for codings in ["gzip, deflate", "gzip, deflate, br, zstd", "br;q=1.0, gzip;q=0.8"] {
            let answer = app.server.send("GET", target, &[("Accept-Encoding", codings)]);
            let mut decoded = Vec::new();
            match answer.header("content-encoding") {
                Some("gzip") => GzDecoder::new(&*answer.bytes).read_to_end(&mut decoded),
                Some("br") => brotli::Decompressor::new(&*answer.bytes, 4096).read_to_end(&mut decoded),
                other => panic!("{other:?} for {target}"),
            }
            .expect("the compression is valid");
            assert!(decoded == plain.bytes, "{target} {codings}");
            assert_eq!(answer.header("etag"), plain.header("etag"), "{target}");
            assert_eq!(answer.header("vary"), Some("Accept-Encoding"), "{target}");
        }
        let head = app.server.send("HEAD", target, &[("Accept-Encoding", "gzip")]);
        assert_eq!((head.status, head.bytes.len()), (200, 0), "{target}");
        for refusal in ["identity", "gzip;q=0"] {
            let answer = app.server.send("GET", target, &[("Accept-Encoding", refusal)]);
            assert!(
                answer.header("content-encoding").is_none() && answer.bytes == plain.bytes,
                "{target}"
            );
        }
    }
}

#[test]
fn a_browser_that_has_a_file_gets_304() {
    let app = TestApp::start();
    let page = app.server.get("/docs", None);
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    for target in addresses(&page)
        .iter()
        .filter(|target| target.starts_with("/docs/"))
        .map(String::as_str)
        .chain(["/docs"])
    {
        let tag = app.server.get(target, None).header("etag").expect("an ETag").to_owned();
        for known in [tag.clone(), format!("\"other\", {tag}"), "*".to_owned()] {
            let answer = app
                .server
                .send("GET", target, &[("If-None-Match", &known), ("Accept-Encoding", "gzip")]);
            assert_eq!((answer.status, answer.bytes.len()), (304, 0), "{target}");
            assert_eq!(answer.header("etag"), Some(&*tag), "{target}");
            assert_has_headers(&answer, target);
        }
        let other = app.server.send("GET", target, &[("If-None-Match", "\"other\"")]);
        assert_eq!(other.status, 200, "{target}");
    }
}

#[test]
fn a_file_of_another_version_is_found_and_not_kept() {
    let app = TestApp::start();
    let answer = app.server.get("/docs/0123/reference.js", None);
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-cache")));
}

#[test]
fn other_names_and_other_methods_are_refused() {
    let app = TestApp::start();
    for target in [
        "/docs/0123/other.js",
        "/docs/0123",
        "/docs/0123/reference.js/",
        "/docs/0123/..%2freference.js",
        "/docs/0123/vendor/swagger-ui.css",
    ] {
        let answer = app.server.get(target, None);
        assert_eq!(
            (answer.status, answer.header("cache-control")),
            (404, Some("no-store")),
            "{target}"
        );
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json"),
            "{target}"
        );
    }
    for target in ["/docs", "/docs/0123/reference.js"] {
        let answer = app.server.send("POST", target, &[]);
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some("GET, HEAD")),
            "{target}"
        );
    }
}
