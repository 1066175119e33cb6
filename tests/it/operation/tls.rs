//! HTTPS, and TLS to the database.

use std::fs;
use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use contact_search::embedded::PrivateDatabase;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::support::app::{Server, program};
use crate::support::command::{error_of, run, stdout};
use crate::support::private_database::{options, query, server_user};
use crate::support::{Contact, OwnDirectory, PATIENCE, TestApp, wait_until};

const LOOKUP: &str = "/api/v1/contact-lookup/?phone=%2B5491123456789";

/// A certificate authority with its files.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    certificate: PathBuf,
}

impl Authority {
    fn new(directory: &Path, name: &str) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.distinguished_name.push(DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap();
        let certificate = directory.join(format!("{name}.pem"));
        fs::write(&certificate, issuer.pem()).unwrap();
        Self { issuer, certificate }
    }

    /// Writes a certificate for `localhost` and its key.
    fn certify(&self, files: &Files) {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, "localhost");
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        fs::write(&files.certificate, certificate.pem()).unwrap();
        fs::write(&files.key, key.serialize_pem()).unwrap();
    }
}

struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

impl Files {
    fn in_directory(directory: &Path) -> Self {
        Self {
            certificate: directory.join("server.pem"),
            key: directory.join("server.key"),
        }
    }

    fn arguments(&self) -> [&str; 4] {
        let [certificate, key] = [&self.certificate, &self.key].map(|path| path.to_str().unwrap());
        ["--tls-cert", certificate, "--tls-key", key]
    }
}

type Connection = StreamOwned<ClientConnection, TcpStream>;

/// Connects to `localhost`, and trusts the authority alone.
fn connect(server: &Server, authority: &Authority) -> Connection {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(&authority.certificate).unwrap())
        .unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap();
    let socket = TcpStream::connect(server.address()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    StreamOwned::new(client, socket)
}

/// Sends a lookup over HTTP/1.1, and returns the status, or the error of TLS.
fn lookup(connection: &mut Connection, key: &str) -> std::io::Result<u16> {
    write!(
        connection,
        "GET {LOOKUP} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\n\r\n"
    )?;
    let mut head = Vec::new();
    let mut reader = BufReader::with_capacity(1, connection);
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        reader.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    let (_, length) = head.split_once("content-length: ").unwrap();
    let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
    reader.read_exact(&mut vec![0; length])?;
    Ok(head.split(' ').nth(1).unwrap().parse().unwrap())
}

/// The application with a contact, on a server with a certificate.
fn start(files: &Files) -> TestApp {
    let app = TestApp::start_with(&files.arguments());
    app.add(Contact {
        phone: Some("+5491123456789"),
        ..Contact::default()
    });
    app
}

#[test]
fn the_server_answers_over_tls_and_never_without_it() {
    let directory = OwnDirectory::new();
    let authority = Authority::new(directory.path(), "authority");
    let files = Files::in_directory(directory.path());
    authority.certify(&files);
    let app = start(&files);
    let output = app.server.output.lock().unwrap().clone();
    assert!(
        output.contains("answers on https://") && output.contains("Page: https://"),
        "{output}"
    );

    let mut connection = connect(&app.server, &authority);
    assert_eq!(lookup(&mut connection, &app.key).unwrap(), 200);
    assert_eq!(lookup(&mut connection, "mindo_unknownunknownunknown1").unwrap(), 401);
    let stranger = Authority::new(directory.path(), "stranger");
    let error = lookup(&mut connect(&app.server, &stranger), &app.key).unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");

    let mut plain = TcpStream::connect(app.server.address()).unwrap();
    plain.set_read_timeout(Some(PATIENCE)).unwrap();
    plain
        .write_all(
            format!(
                "GET {LOOKUP} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {}\r\n\r\n",
                app.key
            )
            .as_bytes(),
        )
        .unwrap();
    let mut answer = Vec::new();
    // A server may also reset the connection.
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{}", String::from_utf8_lossy(&answer));
}

#[test]
fn a_client_that_prefers_http_2_gets_http_1_1() {
    let directory = OwnDirectory::new();
    let authority = Authority::new(directory.path(), "authority");
    let files = Files::in_directory(directory.path());
    authority.certify(&files);
    let app = start(&files);
    let (_, port) = app.server.address().rsplit_once(':').unwrap();
    let url = format!("https://localhost:{port}{LOOKUP}");
    let mut curl = Command::new("curl");
    curl.args([
        "--silent",
        "--http2",
        "--parallel",
        "--resolve",
        &format!("localhost:{port}:127.0.0.1"),
    ])
    .args(["--cacert", authority.certificate.to_str().unwrap()])
    .args(["--header", &format!("X-API-Key: {}", app.key)])
    .args([
        "--output",
        "/dev/null",
        "--output",
        "/dev/null",
        "--output",
        "/dev/null",
    ])
    .args(["--write-out", "%{http_version} %{http_code}\n", &url, &url, &url]);
    let answers = stdout(run(curl, ""));
    assert_eq!(answers, "1.1 200\n".repeat(3));
}

#[test]
fn a_hangup_reads_the_certificate_again_and_a_broken_one_changes_nothing() {
    let directory = OwnDirectory::new();
    let [first, second] = ["first", "second"].map(|name| Authority::new(directory.path(), name));
    let files = Files::in_directory(directory.path());
    first.certify(&files);
    let app = start(&files);
    let mut old = connect(&app.server, &first);
    assert_eq!(lookup(&mut old, &app.key).unwrap(), 200);
    let hang_up = || kill(Pid::from_raw(app.server.pid().cast_signed()), Signal::SIGHUP).unwrap();

    second.certify(&files);
    let key = fs::read(&files.key).unwrap();
    fs::write(&files.key, "no key").unwrap();
    hang_up();
    let log = app
        .server
        .wait_for_log(|log| log.contains("the certificate stays as it is"));
    assert!(log.contains("no private key in PEM"), "{log}");
    assert_eq!(lookup(&mut connect(&app.server, &first), &app.key).unwrap(), 200);

    fs::write(&files.key, key).unwrap();
    hang_up();
    app.server
        .wait_for_log(|log| log.contains("the certificate was read again"));
    assert_eq!(lookup(&mut connect(&app.server, &second), &app.key).unwrap(), 200);
    assert!(lookup(&mut connect(&app.server, &first), &app.key).is_err());
    assert_eq!(lookup(&mut old, &app.key).unwrap(), 200, "an open connection stays");
}

#[test]
fn a_wrong_certificate_is_refused_at_the_start_with_the_file_that_is_wrong() {
    let directory = OwnDirectory::new();
    let authority = Authority::new(directory.path(), "authority");
    let files = Files::in_directory(directory.path());
    authority.certify(&files);
    let other = Files {
        certificate: directory.path().join("other.pem"),
        key: directory.path().join("other.key"),
    };
    authority.certify(&other);
    let empty = directory.path().join("empty.pem");
    fs::write(&empty, "").unwrap();
    let missing = directory.path().join("missing.pem");
    let refuse = |certificate: &Path, key: &Path| {
        let files = Files {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        };
        let mut command = program();
        command.args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--database-url",
            "postgresql:///none",
        ]);
        command.args(files.arguments());
        error_of(run(command, ""))
    };
    for (certificate, key, expected) in [
        (&files.certificate, &other.key, "does not belong to the certificate"),
        (
            &files.key,
            &files.key,
            "server.key can't be read: it has no certificate in PEM",
        ),
        (
            &empty,
            &files.key,
            "empty.pem can't be read: it has no certificate in PEM",
        ),
        (
            &files.certificate,
            &files.certificate,
            "server.pem can't be read: it has no private key in PEM",
        ),
        (
            &missing,
            &files.key,
            "missing.pem can't be read: No such file or directory\n",
        ),
        (
            &files.certificate,
            &missing,
            "missing.pem can't be read: No such file or directory\n",
        ),
    ] {
        let message = refuse(certificate, key);
        assert!(message.contains(expected), "{message}");
    }
    let mut command = program();
    command.args(["serve", "--tls-cert", "server.pem"]);
    assert!(error_of(run(command, "")).contains("--tls-key"));
}

/// Waits until the server closes the connection, and returns the time that it took.
fn closed_after(mut socket: impl Read) -> Duration {
    let start = Instant::now();
    let mut rest = Vec::new();
    let _ = socket.read_to_end(&mut rest);
    start.elapsed()
}

#[test]
fn connections_under_tls_that_stay_idle_are_closed() {
    let directory = OwnDirectory::new();
    let authority = Authority::new(directory.path(), "authority");
    let files = Files::in_directory(directory.path());
    authority.certify(&files);
    let app = start(&files);
    // Without a handshake, without a head, and after an answer.
    let silent = TcpStream::connect(app.server.address()).unwrap();
    silent.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut without_head = connect(&app.server, &authority);
    without_head.conn.complete_io(&mut without_head.sock).unwrap();
    let mut answered = connect(&app.server, &authority);
    assert_eq!(lookup(&mut answered, &app.key).unwrap(), 200);
    let [silent, without_head, answered] = std::thread::scope(|scope| {
        let silent = scope.spawn(|| closed_after(silent));
        let without_head = scope.spawn(|| closed_after(without_head));
        let answered = scope.spawn(|| closed_after(answered));
        [silent, without_head, answered].map(|thread| thread.join().unwrap())
    });
    for (what, time) in [
        ("silent", silent),
        ("without head", without_head),
        ("answered", answered),
    ] {
        assert!(time < PATIENCE, "{what}: {time:?}");
    }
    assert!(
        answered > Duration::from_secs(5),
        "a kept-alive connection is kept for a while: {answered:?}"
    );
}

/// A PostgreSQL that serves TLS on a port of the loopback address.
struct TlsDatabase {
    // Declared before the directory, so that the server stops first.
    _database: PrivateDatabase,
    port: String,
    _directory: OwnDirectory,
}

impl TlsDatabase {
    fn start(authority: &Authority) -> Self {
        let directory = OwnDirectory::with_database();
        let files = Files {
            certificate: directory.path().join("postgres/server.pem"),
            key: directory.path().join("postgres/server.key"),
        };
        authority.certify(&files);
        let user = server_user();
        for file in [&files.certificate, &files.key] {
            chown(file, Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
            fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
        }
        // The system gives the port to nobody else so soon.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let port = port.to_string();
        let mut options = options(directory.path());
        options.settings.extend(
            [
                ("listen_addresses", "127.0.0.1"),
                ("port", port.as_str()),
                ("ssl", "on"),
                ("ssl_cert_file", "server.pem"),
                ("ssl_key_file", "server.key"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        let database = PrivateDatabase::open(&options).unwrap_or_else(|error| panic!("{error}"));
        fs::OpenOptions::new()
            .append(true)
            .open(database.data_directory().join("pg_hba.conf"))
            .unwrap()
            .write_all(b"hostssl all contact_search 127.0.0.1/32 trust\n")
            .unwrap();
        query(&database.superuser_url("postgres"), "pg_reload_conf()");
        Self {
            _database: database,
            port,
            _directory: directory,
        }
    }

    fn url(&self, host: &str, options: &str) -> String {
        format!(
            "postgresql://contact_search@{host}:{}/contact_search?{options}",
            self.port
        )
    }
}

#[test]
fn the_database_is_reached_by_tls_only_if_its_certificate_is_the_right_one() {
    let directory = OwnDirectory::new();
    let [authority, stranger] = ["authority", "stranger"].map(|name| Authority::new(directory.path(), name));
    let database = TlsDatabase::start(&authority);
    let verify = |host: &str, authority: &Authority| {
        let root = authority.certificate.display();
        database.url(
            host,
            &format!("hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert={root}"),
        )
    };
    let good = verify("localhost", &authority);
    assert_eq!(
        query(&good, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"),
        "true"
    );
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--database-url", &good]);
    let server = Server::start(command);
    wait_until(PATIENCE, "the server is not ready", || {
        server.get("/readyz", None).status == 200
    });

    // The certificate is for `localhost`, and another authority has not signed it.
    for (url, expected) in [
        (verify("127.0.0.1", &authority), "127.0.0.1"),
        (verify("localhost", &stranger), "certificate verify failed"),
    ] {
        let mut command = program();
        command.args(["client", "list", "--database-url", &url]);
        let message = error_of(run(command, ""));
        assert!(message.contains(expected), "{message}");
    }
    // A server that is reached without TLS is refused, too.
    let plain = database.url("localhost", "hostaddr=127.0.0.1&sslmode=disable");
    let mut command = program();
    command.args(["client", "list", "--database-url", &plain]);
    assert!(
        error_of(run(command, "")).contains("no encryption"),
        "pg_hba.conf asks for TLS"
    );
}
