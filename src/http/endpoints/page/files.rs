//! The search page, its files, and the key of the demo.

use std::io;
use std::net::TcpListener;

use crate::domain::key::ApiKey;
use crate::http::endpoints::site::{CSS, Content, JAVASCRIPT, SVG, Site};
use crate::http::settings::PageSettings;

/// The page. `{version}` stands for the version of the files, and `{demo}` for `yes` or `no`.
const PAGE: &str = include_str!("../../../web/index.html");

/// The files that the page loads.
const FILES: [(&str, &str, Content); 16] = [
    ("page.css", CSS, Content::Plain(include_bytes!("../../../web/page.css"))),
    (
        "contacts.css",
        CSS,
        Content::Plain(include_bytes!("../../../web/contacts.css")),
    ),
    (
        "check.css",
        CSS,
        Content::Plain(include_bytes!("../../../web/check.css")),
    ),
    ("icon.svg", SVG, Content::Plain(include_bytes!("../../../web/icon.svg"))),
    (
        "start.js",
        JAVASCRIPT,
        Content::Plain(include_bytes!("../../../web/start.js")),
    ),
    (
        "texts.js",
        JAVASCRIPT,
        Content::Plain(include_bytes!("../../../web/texts.js")),
    ),
    (
        "language.js",
        JAVASCRIPT,
        Content::Plain(include_bytes!("../../../web/language.js")),
    ),
    (
        "elements.js",
        JAVASCRIPT,
        Content::Plain(include_bytes!("../../../web/elements.js")),
    ),
    (
        "api.js",
        JAVASCRIPT,
        Content::Plain(include_bytes!("../../../web/api.js")),
    ),
    (
        "key.js",
        JAVASCRIPT,
        Content::Plain(include_bytes!("../../../web/key.js")),
    ),
    (
        "key_form.js",
        JAVASCRIPT,
        Content::Plain(include_bytes!("../../../web/key_form.js")),
    ),
    (
        "problem.js",
        JAVASCRIPT,
        Content::Plain(include_bytes!("../../../web/problem.js")),
    ),
    (
        "search.js",
        JAVASCRIPT,
        Content::Plain(include_bytes!("../../../web/search.js")),
    ),
    (
        "results.js",
        JAVASCRIPT,
        Content::Plain(include_bytes!("../../../web/results.js")),
    ),
    (
        "check.js",
        JAVASCRIPT,
        Content::Plain(include_bytes!("../../../web/check.js")),
    ),
    (
        "details.js",
        JAVASCRIPT,
        Content::Plain(include_bytes!("../../../web/details.js")),
    ),
];

/// The page may load only files of this server, call only this server, and run only its own scripts. No other page may
/// show it in a frame. With Trusted Types no script can make markup of a text.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
    trusted-types 'none'";

/// The search page of a running server.
pub struct PageFiles {
    pub site: Site,
    demo_key: Option<ApiKey>,
}

impl PageFiles {
    /// The page of the server that listens here. It gives the demo's key away only if this machine alone can reach it.
    ///
    /// # Errors
    /// If the listener has no address.
    pub fn new(settings: &PageSettings, listener: &TcpListener) -> io::Result<Self> {
        let is_loopback = listener.local_addr()?.ip().to_canonical().is_loopback();
        let demo_key = settings.demo_key.clone().filter(|_| is_loopback);
        let page = PAGE.replace("{demo}", if demo_key.is_some() { "yes" } else { "no" });
        Ok(Self {
            site: Site::new(&page, &FILES, POLICY),
            demo_key,
        })
    }

    /// The key of the demo, if the page of this server may have it.
    pub fn demo_key(&self) -> Option<&ApiKey> {
        self.demo_key.as_ref()
    }
}
