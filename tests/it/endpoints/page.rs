//! The files of the search page, and the headers that they are sent with.

use std::fs;
use std::path::Path;

use crate::support::app::{Answer, Server, program};
use crate::support::{PATIENCE, TestApp, TestDatabase, wait_until};

/// The addresses in the page's attributes `href` and `src`, with a `/` before them.
fn files_of(page: &str) -> Vec<String> {
    let parts = page.split(['"']);
    let files: Vec<String> = parts
        .filter(|part| part.starts_with("page/"))
        .map(|file| format!("/{file}"))
        .collect();
    assert!(files.len() > 10, "the files are found: {page}");
    files
}

fn asked_again(app: &TestApp, target: &str, tag: &str) -> Answer {
    app.server.send("GET", target, &[("If-None-Match", tag)])
}

#[test]
fn the_page_needs_no_key_and_may_load_only_files_of_the_server() {
    let app = TestApp::start();
    let page = app.server.get("/", None);
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = page.header("content-security-policy").expect("a policy");
    for rule in [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ] {
        assert!(policy.split("; ").any(|part| part == rule), "{rule} in {policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "no-cache"),
    ] {
        assert_eq!(page.header(name), Some(value), "{name}");
    }
}

#[test]
fn browsers_keep_the_files_of_the_page_under_their_version_only() {
    let app = TestApp::start();
    let page = app.server.get("/", None);
    for target in files_of(&page.body) {
        let file = app.server.get(&target, None);
        assert_eq!(file.status, 200, "{target}");
        let cached = file.header("cache-control");
        assert_eq!(cached, Some("public, max-age=31536000, immutable"), "{target}");
        assert_eq!(file.header("x-content-type-options"), Some("nosniff"));
        assert!(file.header("content-security-policy").is_some());
        let kind = match Path::new(&target).extension().unwrap().to_str().unwrap() {
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            other => panic!("{other}"),
        };
        assert_eq!(file.header("content-type"), Some(kind), "{target}");

        let other_version = format!("/page/0/{}", target.rsplit('/').next().unwrap());
        let other = app.server.get(&other_version, None);
        assert_eq!((other.status, &other.body), (200, &file.body), "{other_version}");
        assert_eq!(other.header("cache-control"), Some("no-cache"), "{other_version}");
    }
    for missing in [
        "/page/0/secret.js",
        "/page/0/",
        "/page/0",
        "/page/",
        "/page/0/../../api.js",
    ] {
        assert_eq!(app.server.get(missing, None).status, 404, "{missing}");
    }
}

#[test]
fn a_browser_that_has_a_file_gets_304() {
    let app = TestApp::start();
    let page = app.server.get("/", None);
    let file = files_of(&page.body).remove(0);
    for target in ["/", &file] {
        let tag = app.server.get(target, None).header("etag").expect("a tag").to_owned();
        assert!(tag.starts_with("W/\""), "the compressed file has the same tag: {tag}");
        let strong = tag.trim_start_matches("W/").to_owned();
        for known in [&tag, &strong, &format!("\"other\", {tag}"), "*"] {
            let again = asked_again(&app, target, known);
            assert_eq!((again.status, again.body.as_str()), (304, ""), "{target} {known}");
            assert_eq!(again.header("etag"), Some(tag.as_str()));
            assert!(again.header("cache-control").is_some_and(|value| value != "no-store"));
        }
        for unknown in ["\"other\"", "W/\"other\"", "nonsense"] {
            assert_eq!(asked_again(&app, target, unknown).status, 200, "{target} {unknown}");
        }
    }
}

#[test]
fn the_files_of_the_page_are_compressed_and_answer_head() {
    let app = TestApp::start();
    let page = app.server.get("/", None);
    let script = files_of(&page.body)
        .into_iter()
        .find(|file| file.ends_with("/texts.js"))
        .expect("the texts");
    let whole = app.server.get(&script, None);
    for coding in ["gzip", "br"] {
        let small = app.server.send("GET", &script, &[("Accept-Encoding", coding)]);
        assert_eq!(small.header("content-encoding"), Some(coding));
        assert_eq!(small.header("vary"), Some("Accept-Encoding"));
        assert!(small.bytes.len() * 2 < whole.bytes.len(), "{coding}");
    }
    for target in ["/", &script] {
        let head = app.server.send("HEAD", target, &[]);
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{target}");
    }
}

#[test]
fn the_paths_of_the_page_refuse_other_methods() {
    let app = TestApp::start();
    for (method, target, allowed) in [
        ("POST", "/", "GET, HEAD"),
        ("DELETE", "/page/0/page.css", "GET, HEAD"),
        ("GET", "/page/demo-key", "POST"),
    ] {
        let answer = app.server.send(method, target, &[]);
        assert_eq!(
            (answer.status, answer.header("allow")),
            (405, Some(allowed)),
            "{method} {target}"
        );
    }
}

#[test]
fn the_source_of_the_page_names_no_other_server_and_has_its_texts_in_one_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // The API reference in a folder of its own is another page.
        if path.is_dir() {
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let source = fs::read_to_string(&path).unwrap();
        count += 1;
        let sources = source.replace("http://www.w3.org/2000/svg", "");
        assert!(
            !sources.contains("//www") && !sources.contains("http:") && !sources.contains("https:"),
            "{name}"
        );
        for markup in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "localStorage.",
        ] {
            assert!(!source.contains(markup), "{name} has {markup}");
        }
        // A letter beyond ASCII in a script can only be a text of the page.
        if name.ends_with(".js") && name != "texts.js" {
            let code: String = source
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .collect();
            let code: String = code
                .split("/**")
                .map(|part| part.rsplit("*/").next().unwrap())
                .collect();
            assert!(code.chars().all(|c| !c.is_alphabetic() || c.is_ascii()), "{name}");
        }
    }
    assert!(count > 10, "the files are found: {count}");
}

#[test]
fn the_start_prints_an_address_of_the_page_that_a_browser_can_open() {
    let database = TestDatabase::new();
    for (listen, host) in [
        ("127.0.0.1:0", "127.0.0.1"),
        ("0.0.0.0:0", "127.0.0.1"),
        ("127.0.0.2:0", "127.0.0.2"),
    ] {
        let mut command = program();
        command.args(["serve", "--listen", listen, "--database-url", database.url()]);
        let server = Server::start(command);
        let port = server.address().rsplit(':').next().unwrap();
        let line = format!("Page: http://{host}:{port}/\n");
        wait_until(PATIENCE, "the address of the page is not printed", || {
            server.output.lock().unwrap().contains(&line)
        });
    }
}

#[test]
fn the_page_can_be_turned_off() {
    let database = TestDatabase::new();
    let start = |arguments: &[&str], variable: &str| {
        let mut command = program();
        command.args(["serve", "--listen", "127.0.0.1:0", "--database-url", database.url()]);
        command.args(arguments).env("CONTACT_SEARCH_NO_PAGE", variable);
        Server::start(command)
    };
    for server in [start(&["--no-page"], ""), start(&[], "true")] {
        for target in ["/", "/page/0/page.css"] {
            assert_eq!(server.get(target, None).status, 404, "{target}");
        }
        assert_eq!(server.send("POST", "/page/demo-key", &[]).status, 404);
        assert_eq!(server.get("/healthz", None).status, 200);
        assert!(!server.output.lock().unwrap().contains("Page:"));
    }
    assert_eq!(start(&[], "false").get("/", None).status, 200);
}
