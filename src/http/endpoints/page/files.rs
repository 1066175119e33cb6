//! The files of the search page, which are part of the program, and the headers that they are sent with.
//!
//! The page itself is at `/`. Browsers ask for it again at each visit, and get `304` if it is the same. It names its
//! other files with a version, which is a hash of all files: `/page/{version}/page.css`. So browsers keep these files
//! without asking, and a new program brings new names.

use std::io;
use std::net::TcpListener;

use actix_web::HttpRequest;
use actix_web::HttpResponse;
use actix_web::http::header::{self, ETag, EntityTag, Header, HeaderName, HeaderValue, IfNoneMatch};
use actix_web::web::Bytes;
use sha2::{Digest, Sha256};

use crate::domain::key::ApiKey;
use crate::http::settings::PageSettings;

/// The page. `{version}` stands for the version of the files, and `{demo}` for `yes` or `no`.
const PAGE: &str = include_str!("../../../web/index.html");

/// The files that the page loads.
const FILES: [(&str, &str, &str); 14] = [
    ("page.css", CSS, include_str!("../../../web/page.css")),
    ("contacts.css", CSS, include_str!("../../../web/contacts.css")),
    ("icon.svg", SVG, include_str!("../../../web/icon.svg")),
    ("start.js", JAVASCRIPT, include_str!("../../../web/start.js")),
    ("texts.js", JAVASCRIPT, include_str!("../../../web/texts.js")),
    ("language.js", JAVASCRIPT, include_str!("../../../web/language.js")),
    ("elements.js", JAVASCRIPT, include_str!("../../../web/elements.js")),
    ("api.js", JAVASCRIPT, include_str!("../../../web/api.js")),
    ("key.js", JAVASCRIPT, include_str!("../../../web/key.js")),
    ("key_form.js", JAVASCRIPT, include_str!("../../../web/key_form.js")),
    ("problem.js", JAVASCRIPT, include_str!("../../../web/problem.js")),
    ("search.js", JAVASCRIPT, include_str!("../../../web/search.js")),
    ("results.js", JAVASCRIPT, include_str!("../../../web/results.js")),
    ("details.js", JAVASCRIPT, include_str!("../../../web/details.js")),
];

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// The page may load only files of this server, call only this server, and run only its own scripts. No other page may
/// show it in a frame. With Trusted Types no script can make markup of a text.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
    trusted-types 'none'";

/// The headers of every file of the page.
const HEADERS: [(HeaderName, HeaderValue); 3] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// How long browsers and proxies may keep a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keeping {
    /// They ask each time whether it has changed.
    Ask,
    /// A year: the content of this address never changes.
    Forever,
}

/// The search page of a running server.
pub struct PageFiles {
    page: PageFile,
    files: Vec<(&'static str, PageFile)>,
    version: String,
    demo_key: Option<ApiKey>,
}

/// One file of the page.
pub struct PageFile {
    media_type: &'static str,
    content: Bytes,
    /// Weak, because the compressed answer has other bytes.
    tag: EntityTag,
}

impl PageFiles {
    /// The page of the server that listens here. It gives the demo's key away only if this machine alone can reach it.
    ///
    /// # Errors
    /// If the listener has no address.
    pub fn new(settings: &PageSettings, listener: &TcpListener) -> io::Result<Self> {
        let is_loopback = listener.local_addr()?.ip().to_canonical().is_loopback();
        let demo_key = settings.demo_key.clone().filter(|_| is_loopback);
        let mut hash = Sha256::new();
        for (name, _, content) in FILES {
            hash.update(name);
            hash.update([0]);
            hash.update(content);
            hash.update([0]);
        }
        let version = hex(&hash.finalize());
        let page = PAGE
            .replace("{version}", &version)
            .replace("{demo}", if demo_key.is_some() { "yes" } else { "no" });
        let file = |(name, media_type, content): (_, _, &'static str)| {
            (name, PageFile::new(media_type, Bytes::from_static(content.as_bytes())))
        };
        Ok(Self {
            page: PageFile::new(HTML, page.into()),
            files: FILES.into_iter().map(file).collect(),
            version,
            demo_key,
        })
    }

    /// The page itself.
    pub fn page(&self) -> &PageFile {
        &self.page
    }

    /// The file with this name, and how long browsers may keep it under this version. Any version finds the file, since
    /// several servers of different versions can stand behind one address during an update.
    pub fn find(&self, version: &str, name: &str) -> Option<(&PageFile, Keeping)> {
        let (_, file) = self.files.iter().find(|(known, _)| *known == name)?;
        let is_own = version == self.version;
        Some((file, if is_own { Keeping::Forever } else { Keeping::Ask }))
    }

    /// The key of the demo, if the page of this server may have it.
    pub fn demo_key(&self) -> Option<&ApiKey> {
        self.demo_key.as_ref()
    }
}

impl PageFile {
    fn new(media_type: &'static str, content: Bytes) -> Self {
        let tag = EntityTag::new_weak(hex(&Sha256::digest(&content)));
        Self {
            media_type,
            content,
            tag,
        }
    }

    /// Answers with the file, or with 304 if the browser has it already.
    pub fn answer(&self, request: &HttpRequest, keeping: Keeping) -> HttpResponse {
        let is_known = match IfNoneMatch::parse(request) {
            Ok(IfNoneMatch::Any) => true,
            Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|tag| tag.weak_eq(&self.tag)),
            Err(_) => false,
        };
        let mut response = if is_known {
            HttpResponse::NotModified()
        } else {
            HttpResponse::Ok()
        };
        for header in HEADERS {
            response.insert_header(header);
        }
        let cache = match keeping {
            Keeping::Ask => "no-cache",
            Keeping::Forever => "public, max-age=31536000, immutable",
        };
        response.insert_header((header::CACHE_CONTROL, cache));
        response.insert_header(ETag(self.tag.clone()));
        if is_known {
            response.finish()
        } else {
            response.content_type(self.media_type).body(self.content.clone())
        }
    }
}

/// The first 16 bytes of a hash as text.
fn hex(hash: &[u8]) -> String {
    hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
