//! `contact-search phones recheck`: finds and mends contacts whose phone the current rules read differently.
//! `contact-search phones explain`: how the rules read a text.

use contact_search::domain::phone::Region;
use contact_search::store::clients;
use diesel::connection::SimpleConnection;
use serde_json::Value;

use crate::support::app::{encode, program};
use crate::support::command::{CommandOutput, error_of, run, run_on, stdout};
use crate::support::import::ask;
use crate::support::{Contact, TestApp, TestDatabase};

/// Adds a client with one contact for each tuple: the text that was given, the phone as older rules could have stored
/// it, and SQL assignments of further columns.
fn old_contacts(database: &TestDatabase, contacts: &[(&str, &str, &str)]) {
    let mut connection = database.connect();
    let client = clients::create_client(&mut connection, "Acme", Region::DEFAULT).unwrap();
    for (place, (as_given, phone, changes)) in contacts.iter().enumerate() {
        let added = Contact {
            external_user_id: Some(&place.to_string()),
            platform: "sms",
            ..Contact::default()
        }
        .add(&mut connection, client);
        let has_id = changes.contains("external_user_id");
        let without_id = if has_id { "" } else { "external_user_id = NULL, " };
        let changes = if changes.is_empty() { "blocked = false" } else { changes };
        let id = &added.id;
        let sql = format!(
            "UPDATE contacts SET phone_as_given = '{as_given}', phone = '{phone}', phone_key = ltrim('{phone}', '+'),
                 name = '{place}' WHERE id = '{id}';
             UPDATE contacts SET {without_id}{changes} WHERE id = '{id}'"
        );
        connection.batch_execute(&sql).unwrap();
    }
}

fn stored(database: &TestDatabase) -> String {
    let columns = "concat_ws(' ', name, coalesce(phone, '-'), phone_key, phone_identifies, external_user_id)";
    ask(
        &mut database.connect(),
        &format!("SELECT string_agg({columns}, E'\\n' ORDER BY serial_id) FROM contacts"),
    )
}

fn dump(database: &TestDatabase) -> String {
    ask(
        &mut database.connect(),
        "SELECT string_agg(contacts::text, E'\\n' ORDER BY serial_id) FROM contacts",
    )
}

const RECHECK: [&str; 4] = ["phones", "recheck", "--client", "Acme"];
const APPLY: [&str; 5] = ["phones", "recheck", "--client", "Acme", "--apply"];

#[test]
fn a_recheck_reports_old_phones_and_apply_mends_them() {
    let database = TestDatabase::new();
    old_contacts(
        &database,
        &[
            ("011 15-2345-6789", "0111523456789", ""),
            ("+54 9 223 596-1983", "+5492235961983", ""),
            ("5,49112E+12", "54911212", "email = 'a@x.com'"),
            ("98765432101234@lid", "98765432101234", ""),
            // Another program wrote this phone without a text that could be read again.
            ("x", "12", "phone_as_given = NULL"),
            // The phone was read for Chile, and the client's region is Argentina.
            ("9 1234 5678", "+56912345678", ""),
            // The current rules read no valid number in the text.
            ("15 2345-6789", "+541123456700", ""),
        ],
    );
    let before = dump(&database);
    let report = stdout(run_on(&database, &RECHECK));
    assert_eq!(dump(&database), before);
    for line in [
        "\"sms\" \"011 15-2345-6789\": 0111523456789 (key 0111523456789) -> +5491123456789 (key 5491123456789)\n",
        "\"sms\" \"5,49112E+12\": 54911212 (key 54911212) -> 54911212 (key 54911212) that identifies nobody\n",
        "-> no phone, external id \"98765432101234@lid\"\n",
        "\"15 2345-6789\": +541123456700 (key 541123456700) stays: the current rules read no valid number\n",
        "6 contacts read again: 3 differ, 1 stays because it is better, 1 stays because it was read for another region\n\
         nothing was changed: --apply",
    ] {
        assert!(report.contains(line), "{line}\n{report}");
    }
    let report = stdout(run_on(&database, &APPLY));
    assert!(report.ends_with("\n3 contacts changed\n"), "{report}");
    assert_eq!(
        stored(&database),
        "0 +5491123456789 5491123456789 t\n1 +5492235961983 5492235961983 t\n2 54911212 54911212 f\n\
         3 - t 98765432101234@lid\n4 12 12 t\n5 +56912345678 56912345678 t\n6 +541123456700 541123456700 t"
    );
    let before = dump(&database);
    let report = stdout(run_on(&database, &APPLY));
    assert!(
        report.contains(" 0 differ,") && report.ends_with("\n0 contacts changed\n"),
        "{report}"
    );
    assert_eq!(dump(&database), before);
}

#[test]
fn a_conflict_is_listed_and_then_nothing_is_changed() {
    let database = TestDatabase::new();
    old_contacts(
        &database,
        &[
            ("011 15-2345-6789", "0111523456789", ""),
            ("+5491123456789", "+5491123456789", ""),
            ("0223 15-596-1983", "0223155961983", ""),
            ("0", "0", "email = 'A@x.com'"),
            (
                "x",
                "1",
                "phone = NULL, phone_key = NULL, phone_as_given = NULL, email = 'a@X.com'",
            ),
        ],
    );
    let before = dump(&database);
    let report = stdout(run_on(&database, &RECHECK));
    assert_eq!(report.matches("\nconflict: ").count(), 2, "{report}");
    assert!(report.ends_with("\n2 conflicts\n"), "{report}");
    let output = run_on(&database, &APPLY);
    assert_eq!((output.status, &output.stdout), (Some(1), &report));
    assert!(output.stderr.contains("nothing was changed"), "{}", output.stderr);
    assert_eq!(dump(&database), before);
    database
        .connect()
        .batch_execute("DELETE FROM contacts WHERE name = '1'")
        .unwrap();
    let report = stdout(run_on(&database, &RECHECK));
    assert!(report.ends_with("\n1 conflict\n"), "{report}");
    database
        .connect()
        .batch_execute("DELETE FROM contacts WHERE name = '4'")
        .unwrap();
    let report = stdout(run_on(&database, &APPLY));
    assert!(report.ends_with("\n3 contacts changed\n"), "{report}");
}

/// The names of the contacts of each line that starts with `kind: `, sorted.
fn pairs(database: &TestDatabase, report: &str, kind: &str) -> Vec<String> {
    let mut connection = database.connect();
    let mut pairs: Vec<String> = report
        .lines()
        .filter_map(|line| line.strip_prefix(kind)?.strip_prefix(": "))
        .map(|line| {
            let ids: Vec<_> = line
                .split(' ')
                .filter(|word| word.len() == 36)
                .map(|id| format!("'{id}'"))
                .collect();
            let sql = format!(
                "SELECT string_agg(name, '+' ORDER BY name) FROM contacts WHERE id IN ({})",
                ids.join(", ")
            );
            ask(&mut connection, &sql)
        })
        .collect();
    pairs.sort_unstable();
    pairs
}

#[test]
fn two_contacts_that_a_recheck_puts_on_one_line_are_listed_and_stay_two() {
    let database = TestDatabase::new();
    old_contacts(
        &database,
        &[
            ("011 15-2345-6789", "0111523456789", ""),
            ("+54 11 2345-6789", "+541123456789", "phone_key = '5491123456789'"),
            // A recheck moves both to one line, although one has an external id.
            ("0223 15-596-1983", "0223155961983", ""),
            ("0223 15 5961983", "+542231559619", "external_user_id = 'a'"),
            // These two were on one line before the recheck.
            ("011 15-2345-6700", "0111523456700", "external_user_id = 'b'"),
            ("011 15 2345 6700", "0111523456700", "external_user_id = 'c'"),
            // Other channels and other extensions are other lines.
            ("+54 9 223 596-1983", "+5492235961983", "platform = 'webchat'"),
            (
                "+54 11 2345-6789 int. 5",
                "+541123456789",
                "phone_key = '5491123456789', phone_extension = '5'",
            ),
        ],
    );
    let before = dump(&database);
    let report = stdout(run_on(&database, &RECHECK));
    assert_eq!(dump(&database), before);
    assert_eq!(pairs(&database, &report, "one line"), ["0+1", "2+3"], "{report}");
    assert!(report.contains("\n2 pairs of contacts on one line\n"), "{report}");
    let report = stdout(run_on(&database, &APPLY));
    assert_eq!(pairs(&database, &report, "one line"), ["0+1", "2+3"], "{report}");
    assert!(
        report.ends_with("\n2 pairs of contacts on one line\n5 contacts changed\n"),
        "{report}"
    );
    let mended = "SELECT string_agg(phone, ' ' ORDER BY name) FROM contacts WHERE name IN ('0', '1', '2', '3')";
    assert_eq!(
        ask(&mut database.connect(), mended),
        "+5491123456789 +541123456789 +5492235961983 +5492235961983"
    );
    let report = stdout(run_on(&database, &APPLY));
    assert!(!report.contains("one line"), "{report}");
}

#[test]
fn contacts_that_swap_their_numbers_do_not_conflict() {
    let database = TestDatabase::new();
    let (first, second, third) = ("+5491123456701", "+5491123456702", "+5491123456703");
    old_contacts(
        &database,
        &[
            (first, second, ""),
            (second, first, ""),
            // It takes the number that the next one gives up.
            ("+5491123456704", "+5491123456705", ""),
            (third, "+5491123456704", ""),
            // The email identifies the second of these two before the recheck, and the first after it.
            ("0", "0", "email = 'a@x.com'"),
            ("+5491123456707", "0", "email = 'a@x.com', phone_identifies = false"),
        ],
    );
    let report = stdout(run_on(&database, &APPLY));
    assert!(report.ends_with("\n6 contacts changed\n"), "{report}");
    assert!(!report.contains("one line") && !report.contains("conflict"), "{report}");
    assert_eq!(
        stored(&database),
        "0 +5491123456701 5491123456701 t\n1 +5491123456702 5491123456702 t\n2 +5491123456704 5491123456704 t\n\
         3 +5491123456703 5491123456703 t\n4 0 0 f\n5 +5491123456707 5491123456707 t"
    );
}

#[test]
fn an_external_id_with_a_device_is_mended_unless_another_contact_has_the_mended_one() {
    let database = TestDatabase::new();
    let no_phone = "phone = NULL, phone_key = NULL, phone_as_given = NULL, external_user_id =";
    old_contacts(
        &database,
        &[
            ("x", "1", &format!("{no_phone} '33333333333333:4@lid'")),
            (
                "+5491123456701",
                "+5491123456701",
                "external_user_id = 'jid: 44444444444444@LID'",
            ),
            ("x", "1", &format!("{no_phone} '55555555555555:1@lid'")),
            ("x", "1", &format!("{no_phone} '55555555555555:2@lid'")),
            ("x", "1", &format!("{no_phone} '66666666666666:2@lid'")),
            ("x", "1", &format!("{no_phone} '66666666666666@lid'")),
            ("x", "1", &format!("{no_phone} 'crm:4'")),
        ],
    );
    let before = dump(&database);
    let output = run_on(&database, &APPLY);
    assert_eq!(output.status, Some(1));
    assert_eq!(
        pairs(&database, &output.stdout, "conflict"),
        ["2+3", "4+5"],
        "{}",
        output.stdout
    );
    assert_eq!(dump(&database), before);
    for line in [
        "\"sms\" -: no phone, external id \"33333333333333:4@lid\" -> no phone, external id \"33333333333333@lid\"\n",
        "\"sms\" \"+5491123456701\": +5491123456701 (key 5491123456701), external id \"jid: 44444444444444@LID\" -> \
         +5491123456701 (key 5491123456701), external id \"44444444444444@lid\"\n",
        "\n6 contacts read again: 5 differ,",
    ] {
        assert!(output.stdout.contains(line), "{line}\n{}", output.stdout);
    }
    database
        .connect()
        .batch_execute("DELETE FROM contacts WHERE name IN ('3', '4')")
        .unwrap();
    let report = stdout(run_on(&database, &APPLY));
    assert!(report.ends_with("\n3 contacts changed\n"), "{report}");
    assert_eq!(
        stored(&database),
        "0 - t 33333333333333@lid\n1 +5491123456701 5491123456701 t 44444444444444@lid\n2 - t 55555555555555@lid\n\
         5 - t 66666666666666@lid\n6 - t crm:4"
    );
}

#[test]
fn a_recheck_walks_thousands_of_contacts_and_only_those_of_its_client() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    for name in ["Acme", "Other"] {
        let client = clients::create_client(&mut connection, name, Region::DEFAULT).unwrap();
        connection
            .batch_execute(&format!(
                "INSERT INTO contacts (client_id, id, contact_list_id, platform, phone, phone_key, phone_as_given)
                 SELECT '{client}', gen_random_uuid(), (SELECT min(id) FROM contact_lists WHERE client_id = '{client}'),
                        'sms', digits, digits, '011 15-' || substr(digits, 6)
                 FROM (SELECT '01115' || 20000000 + n AS digits FROM generate_series(1, 2500) AS n) AS numbers"
            ))
            .unwrap();
    }
    let report = stdout(run_on(&database, &APPLY));
    assert!(report.ends_with("\n2500 contacts changed\n"), "{report}");
    let mended = "SELECT count(*) AS count FROM contacts WHERE phone = '+54911' || substr(phone_as_given, 8)";
    assert_eq!(database.count(mended), 2_500);
    assert_eq!(
        database.count("SELECT count(*) AS count FROM contact_texts WHERE phone LIKE '+54911%'"),
        2_500
    );
}

#[test]
fn stored_texts_cannot_drive_the_terminal_of_a_recheck() {
    let database = TestDatabase::new();
    old_contacts(
        &database,
        &[(
            "\u{1b}[2J\u{202e}\u{2028}\n011 15-2345-6789",
            "0111523456789",
            "platform = E'a\\x1b[1m'",
        )],
    );
    let report = stdout(run_on(&database, &RECHECK));
    assert!(report.contains("011 15-2345-6789\""), "{report}");
    for character in ['\u{1b}', '\u{202e}', '\u{2028}'] {
        assert!(!report.contains(character), "{report:?}");
    }
    assert_eq!(report.lines().count(), 3, "{report}");
}

#[test]
fn apply_corrects_old_phones_in_mexico_brazil_germany_and_argentina() {
    for (region, platform, as_given, old, new) in [
        ("MX", "sms", "1 202 555 0123", "+522025550123", "+12025550123"),
        ("BR", "whatsapp", "51987654321", "+5551987654321", "+51987654321"),
        ("DE", "sms", "4915112345678", "+494915112345678", "+4915112345678"),
        (
            "AR",
            "sms",
            "011 4123-4567 int. 101",
            "+541141234567",
            "+541141234567 extension 101",
        ),
    ] {
        let database = TestDatabase::new();
        old_contacts(&database, &[(as_given, old, "")]);
        let mut connection = database.connect();
        connection
            .batch_execute(&format!(
                "UPDATE clients SET default_region = '{region}'; UPDATE contacts SET platform = '{platform}'"
            ))
            .unwrap();
        let report = stdout(run_on(&database, &APPLY));
        assert!(report.ends_with("\n1 contact changed\n"), "{as_given}: {report}");
        let phone = "SELECT concat_ws(' extension ', phone, phone_extension) FROM contacts";
        assert_eq!(ask(&mut connection, phone), new, "{as_given}");
    }
}

#[test]
fn a_recheck_of_a_read_only_database_reports_and_apply_says_that_it_takes_no_writes() {
    let database = TestDatabase::new();
    old_contacts(&database, &[("011 15-2345-6789", "0111523456789", "")]);
    let before = dump(&database);
    database
        .connect()
        .batch_execute(
            "DO $$ BEGIN
                 EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database());
             END $$",
        )
        .unwrap();
    let report = stdout(run_on(&database, &RECHECK));
    assert!(
        report.contains("1 contact read again: 1 differs, 0 stay because they are better"),
        "{report}"
    );
    let message = error_of(run_on(&database, &APPLY));
    assert!(message.contains("needs a database that takes writes"), "{message}");
    assert_eq!(dump(&database), before);
}

/// Runs `phones explain` without a database.
fn explain(arguments: &[&str]) -> CommandOutput {
    let mut command = program();
    command
        .args(["phones", "explain"])
        .args(arguments)
        .env("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing");
    run(command, "")
}

#[test]
fn a_number_is_explained_without_a_database() {
    let text = stdout(explain(&["0223 15-596-1983"]));
    for line in [
        "\"0223 15-596-1983\" in AR, on the platform \"other\"\n",
        "  +5492235961983 (match key 5492235961983), mobile of AR\n",
        "    Argentina: the 15 after the area code became a 9 before it. (argentina-mobile-15)\n",
        "A lookup finds contacts by:\n  +5492235961983 (match key 5492235961983), mobile of AR\n",
        "    by the same rules\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
    let text = stdout(explain(&["555-0123", "--region", "us"]));
    assert!(
        text.contains("No valid number:\n  national: The number is too short"),
        "{text}"
    );
    assert!(text.contains("(area-code-missing)\n"), "{text}");
    let text = stdout(explain(&["000-0000"]));
    assert!(text.contains("It identifies nobody: The phone is one digit"), "{text}");
    assert!(text.ends_with("A lookup finds contacts by:\n  nothing\n"), "{text}");
    let text = stdout(explain(&["98765432101234@lid"]));
    assert_eq!(
        text.matches("the external id 98765432101234@lid\n").count(),
        2,
        "{text}"
    );
}

#[test]
fn an_explanation_as_json_is_the_answer_of_the_endpoint() {
    let app = TestApp::start();
    for (text, region, platform) in [
        ("0223 15-596-1983", "AR", "other"),
        ("51987654321", "BR", "whatsapp"),
        ("5.49112E+12", "AR", "sms"),
        ("hola \u{202e}", "AR", "other"),
    ] {
        let printed = stdout(explain(&[text, "--region", region, "--platform", platform, "--json"]));
        let target = format!(
            "/api/v1/normalize?phone={}&region={region}&platform={platform}",
            encode(text)
        );
        assert_eq!(
            serde_json::from_str::<Value>(&printed).unwrap(),
            app.get(&target).json(),
            "{text}"
        );
        assert!(!printed.contains('\u{202e}'));
    }
}

#[test]
fn the_explanation_of_a_text_cannot_drive_the_terminal() {
    let text = stdout(explain(&["11 2345-6789\u{1b}[2J", "--platform", "a\u{1b}[2J"]));
    assert!(!text.contains('\u{1b}') && text.contains("\\u{1b}"), "{text}");
    let error = error_of(explain(&["1", "--region", "AQ"]));
    assert!(error.contains("ISO 3166"), "{error}");
}
