//! `GET /api/v1/normalize`: what the server makes of a phone number, compared with what it stores and looks up.

use contact_search::domain::key::Scope;
use contact_search::domain::phone::Region;
use contact_search::store::clients;
use serde_json::{Value, json};

use crate::support::app::{add_key, encode};
use crate::support::contact_api::{batch, stored};
use crate::support::{Answer, TestApp};

const PATH: &str = "/api/v1/normalize";

fn normalize(app: &TestApp, phone: &str) -> Value {
    let answer = app.get(&format!("{PATH}?phone={}", encode(phone)));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// The names of rules, or the codes of problems.
fn names(list: &Value) -> Vec<&str> {
    let items = list.as_array().expect("a list").iter();
    items
        .map(|item| {
            item.get("name")
                .or(item.get("code"))
                .and_then(Value::as_str)
                .expect("a name")
        })
        .collect()
}

#[test]
fn a_number_is_explained_with_its_rules_its_line_and_its_readings() {
    let app = TestApp::start();
    let answer = normalize(&app, "0223 15-596-1983 int. 7");
    assert_eq!(
        (
            &answer["given"],
            &answer["region"],
            &answer["platform"],
            &answer["resolves"]
        ),
        (
            &json!("0223 15-596-1983 int. 7"),
            &json!("AR"),
            &json!("other"),
            &json!(true)
        )
    );
    assert_eq!(answer["problems"], json!([]));
    let stored = &answer["stored"];
    assert_eq!(stored["phone"], "+5492235961983");
    assert_eq!(stored["matchKey"], "5492235961983");
    assert_eq!(stored["extension"], "7");
    assert_eq!(
        (&stored["identifies"], &stored["identityProblem"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(
        stored["number"],
        json!({ "e164": "+5492235961983", "callingCode": 54, "nationalNumber": "92235961983", "region": "AR",
                "lineType": "mobile" })
    );
    let rules = [
        "cleaned",
        "extension-split",
        "national-reading",
        "argentina-trunk-zero",
        "argentina-mobile-15",
    ];
    assert_eq!(names(&stored["rules"]), rules);
    let reading = &answer["readings"][0];
    assert_eq!(reading["phone"], "+5492235961983");
    assert_eq!(names(&reading["rules"]), rules);
    assert_eq!(answer["readings"].as_array().unwrap().len(), 1);
}

#[test]
fn a_text_that_is_no_number_has_the_problems_of_its_readings() {
    let app = TestApp::start();
    let short = normalize(&app, "2345-6789");
    assert_eq!(short["resolves"], false);
    assert_eq!(names(&short["problems"]), ["area-code-missing", "too-short"]);
    assert_eq!(short["problems"][0]["reading"], "national");
    assert_eq!(short["stored"]["phone"], "23456789");
    assert_eq!(short["stored"]["number"], Value::Null);
    assert_eq!(short["readings"][0]["matchKey"], "23456789");
    let damaged = normalize(&app, "5.49112E+12");
    assert_eq!(names(&damaged["problems"]), ["scientific-notation"]);
    assert_eq!(damaged["problems"][0]["reading"], Value::Null);
    assert_eq!(damaged["stored"]["identityProblem"]["code"], "scientific-notation");
    assert_eq!(damaged["readings"], json!([]));
    let nothing = normalize(&app, "hola");
    assert_eq!(
        (names(&nothing["problems"]), &nothing["stored"]),
        (vec!["no-digits"], &Value::Null)
    );
}

#[test]
fn the_region_and_the_platform_of_the_request_change_the_readings() {
    let app = TestApp::start();
    let stored_by = |parameters: &str| {
        let answer = app.get(&format!("{PATH}?phone=51987654321&{parameters}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    };
    let phones = |answer: &Value| -> Vec<String> {
        let readings = answer["readings"].as_array().unwrap().iter();
        readings
            .map(|reading| reading["phone"].as_str().unwrap().to_owned())
            .collect()
    };
    let brazil = stored_by("region=br&platform=");
    assert_eq!(
        (&brazil["region"], &brazil["platform"]),
        (&json!("BR"), &json!("other"))
    );
    assert_eq!(brazil["stored"]["phone"], "+5551987654321");
    assert_eq!(phones(&brazil), ["+5551987654321", "+51987654321"]);
    let whatsapp = stored_by("region=BR&platform=%20WhatsApp");
    assert_eq!(whatsapp["platform"], "whatsapp");
    assert_eq!(whatsapp["stored"]["phone"], "+51987654321");
    assert_eq!(
        names(&whatsapp["stored"]["rules"]),
        ["whatsapp-platform", "international-reading"]
    );
    // A lookup does not know the platform.
    assert_eq!(phones(&whatsapp), phones(&brazil));
    let default = stored_by("region=%20");
    assert_eq!(
        (&default["region"], &default["stored"]["phone"]),
        (&json!("AR"), &json!("+51987654321"))
    );
}

#[test]
fn the_region_is_the_clients_if_the_request_has_none() {
    let app = TestApp::start();
    let mut connection = app.database.connect();
    let client = clients::create_client(&mut connection, "Chile", Region::DEFAULT).unwrap();
    clients::edit_client(&mut connection, client, None, Some("CL".parse().unwrap())).unwrap();
    let key = add_key(&mut connection, client, &[Scope::Lookup], None);
    let answer = app.server.get(&format!("{PATH}?phone=912345678"), Some(&key));
    assert_eq!(answer.json()["region"], "CL");
    assert_eq!(answer.json()["stored"]["phone"], "+56912345678");
}

#[test]
fn a_plus_that_was_not_encoded_is_restored() {
    let app = TestApp::start();
    let answer = app.get(&format!("{PATH}?phone=+5492235961983")).json();
    assert_eq!(answer["given"], "+5492235961983");
    for rules in [&answer["stored"]["rules"], &answer["readings"][0]["rules"]] {
        assert_eq!(names(rules), ["lost-plus", "international-reading"]);
    }
}

#[test]
fn whatsapp_ids_without_a_number_say_what_a_contact_stores_in_their_place() {
    let app = TestApp::start();
    let hidden = normalize(&app, "jid: 98765432101234:4@lid");
    assert_eq!(names(&hidden["problems"]), ["hidden-number"]);
    assert_eq!(hidden["externalUserId"], "98765432101234@lid");
    assert_eq!((&hidden["stored"], &hidden["readings"]), (&Value::Null, &json!([])));
    let group = normalize(&app, "120363144038483540@g.us");
    assert_eq!(names(&group["problems"]), ["group-id"]);
    assert_eq!(
        (&group["stored"], &group["externalUserId"]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn the_explanation_is_what_a_write_stores_and_a_lookup_finds() {
    let app = TestApp::start();
    let texts = [
        "0223 15-596-1983",
        "11 2345-6789 int. 5",
        "2345-6789",
        "000-0000",
        "5.49112E+12",
        "+56912345678",
        "4915112345678",
        "+1 800 FLOWERS",
        "+52 1 55 1234 5678",
        "Tel 2: 0351 15 612-3456 (oficina)",
    ];
    let contact = |(place, phone): (usize, &&str)| json!({ "externalUserId": place.to_string(), "phone": phone });
    batch(&app, texts.iter().enumerate().map(contact).collect());
    let columns = stored(&app, "phone phone_key phone_extension phone_identifies");
    for (text, stored) in texts.iter().zip(columns.lines()) {
        let answer = normalize(&app, text);
        let member = |name: &str| answer["stored"][name].as_str().unwrap_or("-").to_owned();
        let expected = format!(
            "{} {} {} {}",
            member("phone"),
            member("matchKey"),
            member("extension"),
            answer["stored"]["identifies"]
        );
        assert_eq!(stored, expected, "{text}");
        let found = app
            .get(&format!("/api/v1/contact-lookup/?phone={}", encode(text)))
            .json();
        let keys: Vec<&Value> = answer["readings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["matchKey"])
            .collect();
        let is_found = keys.contains(&&answer["stored"]["matchKey"]) && answer["stored"]["identifies"] == true;
        assert_eq!(found["found"], is_found, "{text}");
        if is_found {
            assert_eq!(found["contact"]["phone"], answer["stored"]["phone"], "{text}");
        }
    }
}

/// The status, the code and the parameter of a problem document.
fn problem(answer: &Answer) -> (u16, String, Option<String>) {
    assert_eq!(
        answer.header("content-type"),
        Some("application/problem+json"),
        "{answer:?}"
    );
    let body = answer.json();
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    (answer.status, text("code").expect("a code"), text("param"))
}

#[test]
fn a_wrong_parameter_is_refused_with_a_problem_document() {
    let app = TestApp::start();
    let long = format!("phone={}", "1".repeat(257));
    for (query, code, param) in [
        ("", "phone-missing", "phone"),
        ("phone=", "phone-missing", "phone"),
        ("phone=%20+", "phone-missing", "phone"),
        ("phone=1&phone=2", "parameter-repeated", "phone"),
        ("phone=%zz", "parameter-invalid", "phone"),
        ("phone=%FF", "parameter-invalid", "phone"),
        ("phone=1%00", "parameter-invalid", "phone"),
        (&*long, "parameter-too-long", "phone"),
        ("phone=1&region=ARG", "parameter-invalid", "region"),
        ("phone=1&region=AQ", "parameter-invalid", "region"),
        ("phone=1&region=AR&region=AR", "parameter-repeated", "region"),
        ("phone=1&platform=%00", "parameter-invalid", "platform"),
        ("phone=1&platform=a&platform=b", "parameter-repeated", "platform"),
    ] {
        let answer = app.get(&format!("{PATH}?{query}"));
        assert_eq!(
            problem(&answer),
            (400, code.to_owned(), Some(param.to_owned())),
            "{query}"
        );
    }
    let at_the_limit = app.get(&format!("{PATH}?phone={}", "1".repeat(256)));
    assert_eq!(at_the_limit.status, 200);
    assert_eq!(names(&at_the_limit.json()["problems"]), ["too-many-digits"]);
}

#[test]
fn it_needs_a_key_with_the_scope_lookup() {
    let app = TestApp::start();
    let target = format!("{PATH}?phone=1");
    assert_eq!(problem(&app.server.get(&target, None)).0, 401);
    let other = add_key(
        &mut app.database.connect(),
        app.client,
        &[Scope::Search, Scope::Write],
        None,
    );
    assert_eq!(problem(&app.server.get(&target, Some(&other))).0, 403);
    assert_eq!(problem(&app.send("POST", PATH, &json!({}))).0, 405);
}
