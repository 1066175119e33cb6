//! A page and its files, which are part of the program, and the headers that they are sent with.
//!
//! Browsers ask for the page at each visit, and get `304` if it is the same. The page names its other files with a
//! version, which is a hash of all files. So browsers keep these files without asking, and a new program brings new
//! names.

use std::io::Read;

use actix_web::http::header::{
    self, AcceptEncoding, ETag, Encoding, EntityTag, Header, HeaderName, HeaderValue, IfNoneMatch, Preference, Quality,
};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};

pub const HTML: &str = "text/html; charset=utf-8";
pub const CSS: &str = "text/css; charset=utf-8";
pub const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
pub const SVG: &str = "image/svg+xml";
pub const TEXT: &str = "text/plain; charset=utf-8";

/// How long browsers and proxies may keep a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keeping {
    /// They ask each time whether it has changed.
    Ask,
    /// A year: the content of this address never changes.
    Forever,
}

/// A page and its files.
pub struct Site {
    page: SiteFile,
    files: Vec<(&'static str, SiteFile)>,
    version: String,
}

/// The page, or one of the files that it loads.
pub struct SiteFile {
    media_type: &'static str,
    content: Content,
    /// The content security policy of the page.
    policy: &'static str,
    /// Weak, because the compressed answer has other bytes.
    tag: EntityTag,
}

/// The bytes of a file.
#[derive(Clone)]
pub enum Content {
    Plain(&'static [u8]),
    Gzip(&'static [u8]),
    Made(Bytes),
}

impl Site {
    /// The page with its files, each with its name and its media type. `{version}` in the page stands for the version of
    /// the files.
    pub fn new(page: &str, files: &[(&'static str, &'static str, Content)], policy: &'static str) -> Self {
        let mut hash = Sha256::new();
        for (name, _, content) in files {
            hash.update(name);
            hash.update([0]);
            hash.update(content.embedded());
            hash.update([0]);
        }
        let version = hex(&hash.finalize());
        let page = Content::Made(page.replace("{version}", &version).into());
        let file = |(name, media_type, content): &(&'static str, &'static str, Content)| {
            (*name, SiteFile::new(media_type, content.clone(), policy))
        };
        Self {
            page: SiteFile::new(HTML, page, policy),
            files: files.iter().map(file).collect(),
            version,
        }
    }

    /// The page itself.
    pub fn page(&self) -> &SiteFile {
        &self.page
    }

    /// The file with this name, and how long browsers may keep it under this version. Any version finds the file, since
    /// several servers of different versions can stand behind one address during an update.
    pub fn find(&self, version: &str, name: &str) -> Option<(&SiteFile, Keeping)> {
        let (_, file) = self.files.iter().find(|(known, _)| *known == name)?;
        let is_own = version == self.version;
        Some((file, if is_own { Keeping::Forever } else { Keeping::Ask }))
    }

    #[cfg(test)]
    pub fn version(&self) -> &str {
        &self.version
    }
}

impl SiteFile {
    fn new(media_type: &'static str, content: Content, policy: &'static str) -> Self {
        let tag = EntityTag::new_weak(hex(&Sha256::digest(content.embedded())));
        Self {
            media_type,
            content,
            policy,
            tag,
        }
    }

    #[cfg(test)]
    pub fn plain(&self) -> Bytes {
        self.content.plain()
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
        let cache = match keeping {
            Keeping::Ask => "no-cache",
            Keeping::Forever => "public, max-age=31536000, immutable",
        };
        response
            .insert_header((header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(self.policy)))
            .insert_header((header::REFERRER_POLICY, "no-referrer"))
            .insert_header((HeaderName::from_static("cross-origin-resource-policy"), "same-origin"))
            .insert_header((header::CACHE_CONTROL, cache))
            .insert_header((header::VARY, "Accept-Encoding"))
            .insert_header(ETag(self.tag.clone()));
        if is_known {
            return response.finish();
        }
        response.content_type(self.media_type);
        match &self.content {
            Content::Gzip(bytes) if accepts_gzip(request) => {
                response.insert_header((header::CONTENT_ENCODING, "gzip"));
                response.body(Bytes::from_static(bytes))
            }
            content => response.body(content.plain()),
        }
    }
}

impl Content {
    /// The bytes in the program, which can be compressed.
    fn embedded(&self) -> &[u8] {
        match self {
            Content::Plain(bytes) | Content::Gzip(bytes) => bytes,
            Content::Made(bytes) => bytes,
        }
    }

    /// The bytes of the file.
    pub fn plain(&self) -> Bytes {
        match self {
            Content::Plain(bytes) => Bytes::from_static(bytes),
            Content::Made(bytes) => bytes.clone(),
            Content::Gzip(bytes) => {
                let mut plain = Vec::with_capacity(bytes.len() * 4);
                let read = GzDecoder::new(*bytes).read_to_end(&mut plain);
                read.expect("a test decompresses every file of the program");
                plain.into()
            }
        }
    }
}

fn accepts_gzip(request: &HttpRequest) -> bool {
    let gzip = Preference::Specific(Encoding::gzip());
    AcceptEncoding::parse(request).is_ok_and(|accepted| {
        let item = accepted.iter().find(|item| item.item == gzip);
        item.is_some_and(|item| item.quality > Quality::ZERO)
    })
}

/// The first 16 bytes of a hash as text.
fn hex(hash: &[u8]) -> String {
    hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
