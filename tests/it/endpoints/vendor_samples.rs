//! Programs written for the APIs of the two vendors.

use std::process::Command;

use crate::support::command::{run, stdout};
use crate::support::{Contact, TestApp};

#[test]
fn the_vendors_sample_programs_work_with_another_base_url_and_key() {
    let app = TestApp::start();
    let hour_ago = "now() - interval '1 hour'";
    app.add(Contact {
        name: Some("Juan Perez"),
        phone: Some("+5492235961983"),
        last_message_at: hour_ago,
        last_inbound_at: hour_ago,
        ..Contact::default()
    });
    app.add(Contact {
        name: Some("John Doe"),
        phone: Some("+56912345678"),
        email: Some("john@example.com"),
        last_message_at: hour_ago,
        ..Contact::default()
    });
    let mut command = Command::new("python3");
    command.arg(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/it/endpoints/vendor_samples.py"
    ));
    command.args([&format!("http://{}", app.server.address()), &app.key]);
    let output = stdout(run(command, ""));
    assert_eq!(
        output,
        "Contact: Juan Perez\nReplied: True\nWindow active: True\nas documented\n"
    );
}
