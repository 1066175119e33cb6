//! The files of the API reference, which are part of the program, and the headers that they are sent with.
//!
//! Browsers ask for the page at each visit, and get `304` if it is the same. The page names its other files with a
//! version, which is a hash of all files. So browsers keep these files without asking, and a new program brings new
//! names.
//!
//! Swagger UI is in the program as gzip, and is sent so to nearly every browser. Brotli would be a fifth smaller, but
//! browsers accept it only over HTTPS.

use std::io::Read;
use std::sync::LazyLock;

use actix_web::http::header::{
    self, AcceptEncoding, ETag, Encoding, EntityTag, Header, HeaderName, HeaderValue, IfNoneMatch, Preference, Quality,
};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};

/// The page. `{version}` stands for the version of the files.
const PAGE: &str = include_str!("../../../web/docs/index.html");

/// The files that the page loads or links to. `script/vendor-swagger-ui` fetches those in `vendor/`.
const FILES: [(&str, &str, Content); 5] = [
    (
        "reference.js",
        JAVASCRIPT,
        Content::Plain(include_bytes!("../../../web/docs/reference.js")),
    ),
    (
        "reference.css",
        CSS,
        Content::Plain(include_bytes!("../../../web/docs/reference.css")),
    ),
    (
        "swagger-ui-bundle.js",
        JAVASCRIPT,
        Content::Gzip(include_bytes!("../../../web/docs/vendor/swagger-ui-bundle.js.gz")),
    ),
    (
        "swagger-ui.css",
        CSS,
        Content::Gzip(include_bytes!("../../../web/docs/vendor/swagger-ui.css.gz")),
    ),
    (
        "licenses.txt",
        TEXT,
        Content::Plain(include_bytes!("../../../web/docs/vendor/licenses.txt")),
    ),
];

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// The page may load only scripts and style sheets of this server, and call only this server. No other page may show it
/// in a frame. Two relaxations are for Swagger UI:
///
/// - `img-src data:`, because its style sheet contains its pictures. They load nothing.
/// - No `require-trusted-types-for 'script'`, because it makes markup of Markdown, after DOMPurify has cleaned it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The headers of every file of the API reference.
const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (header::VARY, HeaderValue::from_static("Accept-Encoding")),
];

/// How long browsers and proxies may keep a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keeping {
    /// They ask each time whether it has changed.
    Ask,
    /// A year: the content of this address never changes.
    Forever,
}

/// The API reference.
pub struct Reference {
    page: StaticFile,
    files: Vec<(&'static str, StaticFile)>,
    version: String,
}

/// A file that is part of the program.
pub struct StaticFile {
    media_type: &'static str,
    content: Content,
    /// Weak, because the compressed answer has other bytes.
    tag: EntityTag,
}

/// The bytes of a file.
#[derive(Clone)]
enum Content {
    Plain(&'static [u8]),
    Gzip(&'static [u8]),
    Made(Bytes),
}

/// The API reference of this program.
pub fn reference() -> &'static Reference {
    static REFERENCE: LazyLock<Reference> = LazyLock::new(Reference::new);
    &REFERENCE
}

impl Reference {
    fn new() -> Self {
        let mut hash = Sha256::new();
        for (name, _, content) in &FILES {
            hash.update(name);
            hash.update([0]);
            hash.update(content.embedded());
        }
        let version = hex(&hash.finalize());
        let page = Content::Made(PAGE.replace("{version}", &version).into());
        let file = |(name, media_type, content)| (name, StaticFile::new(media_type, content));
        Self {
            page: StaticFile::new(HTML, page),
            files: FILES.into_iter().map(file).collect(),
            version,
        }
    }

    /// The page itself.
    pub fn page(&self) -> &StaticFile {
        &self.page
    }

    /// The file with this name, and how long browsers may keep it under this version. Any version finds the file, since
    /// several servers of different versions can stand behind one address during an update.
    pub fn find(&self, version: &str, name: &str) -> Option<(&StaticFile, Keeping)> {
        let (_, file) = self.files.iter().find(|(known, _)| *known == name)?;
        let is_own = version == self.version;
        Some((file, if is_own { Keeping::Forever } else { Keeping::Ask }))
    }
}

impl StaticFile {
    fn new(media_type: &'static str, content: Content) -> Self {
        let tag = EntityTag::new_weak(hex(&Sha256::digest(content.embedded())));
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

    fn plain(&self) -> Bytes {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What `script/vendor-swagger-ui` has recorded of Swagger UI.
    const RECORD: &str = include_str!("../../../web/docs/vendor/swagger-ui.txt");

    #[test]
    fn the_files_of_swagger_ui_are_those_of_the_recorded_package() {
        let mut compared = 0;
        for line in RECORD.lines().filter_map(|line| line.strip_prefix("sha256 ")) {
            let (expected, name) = line.split_once("  ").expect("a checksum and a name");
            let (_, _, content) = FILES.iter().find(|(known, _, _)| *known == name).expect("a file");
            let hash: String = Sha256::digest(content.plain())
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            assert_eq!(hash, expected, "{name}");
            compared += 1;
        }
        let compressed = FILES
            .iter()
            .filter(|(_, _, content)| matches!(content, Content::Gzip(_)));
        assert_eq!(compared, compressed.count());
    }

    #[test]
    fn the_page_loads_every_file_under_the_version() {
        let page = String::from_utf8(reference().page().content.plain().to_vec()).unwrap();
        for (name, _, _) in &FILES {
            assert!(
                page.contains(&format!("\"/docs/{}/{name}\"", reference().version)),
                "{name}"
            );
        }
        assert!(!page.contains("{version}"));
    }
}
