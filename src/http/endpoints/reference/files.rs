//! The API reference and its files.
//!
//! Swagger UI is in the program as gzip, and is sent so to nearly every browser. Brotli would be a fifth smaller, but
//! browsers accept it only over HTTPS.

use std::sync::LazyLock;

use crate::http::endpoints::site::{CSS, Content, JAVASCRIPT, Site, TEXT};

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

/// The page may load only scripts and style sheets of this server, and call only this server. No other page may show it
/// in a frame. Two relaxations are for Swagger UI:
///
/// - `img-src data:`, because its style sheet contains its pictures. They load nothing.
/// - No `require-trusted-types-for 'script'`, because it makes markup of Markdown, after DOMPurify has cleaned it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The API reference of this program.
pub fn reference() -> &'static Site {
    static REFERENCE: LazyLock<Site> = LazyLock::new(|| Site::new(PAGE, &FILES, POLICY));
    &REFERENCE
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

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
        let page = String::from_utf8(reference().page().plain().to_vec()).unwrap();
        for (name, _, _) in &FILES {
            assert!(
                page.contains(&format!("\"/docs/{}/{name}\"", reference().version())),
                "{name}"
            );
        }
        assert!(!page.contains("{version}"));
    }
}
