//! Import: the contact that a row refers to, and the changes that the row causes.

use contact_search::transfer::import::{ImportError, ImportOptions};
use diesel::prelude::*;
use diesel::sql_query;

use crate::support::import::{FAKE_1000, ImportTarget, counts, import, make_client, skipping};

#[test]
fn a_thousand_rows_with_external_ids_create_a_contact_each_unless_the_email_is_invalid() {
    let mut target = ImportTarget::new();
    let columns = ["name=first_name,surname", "external_user_id=unique_id"];
    let options = skipping();
    let report = target.import_with(FAKE_1000, &columns, &options).unwrap();
    // Ten emails of the file have no `@`.
    assert_eq!(counts(&report), [990, 0, 0, 0, 10]);
    assert_eq!(
        target.ask("SELECT string_agg(name, '|' ORDER BY serial_id) FROM contacts WHERE email = 'hannah88@powers.com'"),
        "Julia|Julia Taylor|Julia Taylor"
    );
    let before = target.dump();
    let report = target.import_with(FAKE_1000, &columns, &options).unwrap();
    assert_eq!(counts(&report), [0, 0, 990, 0, 10]);
    assert_eq!(target.dump(), before);
}

#[test]
fn rows_with_the_same_email_and_no_external_id_are_one_contact() {
    let mut target = ImportTarget::new();
    let columns = ["name=first_name,surname"];
    let empty = target.dump();
    let error = target
        .import_with(FAKE_1000, &columns, &ImportOptions::default())
        .unwrap_err();
    let ImportError::Rejected { read, rejected } = error else {
        panic!("{error}");
    };
    assert_eq!((read, rejected), (1000, 122));
    assert_eq!(target.dump(), empty);

    let report = target.import_with(FAKE_1000, &columns, &skipping()).unwrap();
    assert_eq!(counts(&report), [327, 0, 0, 551, 122]);
    let before = target.dump();
    let report = target.import_with(FAKE_1000, &columns, &skipping()).unwrap();
    assert_eq!(counts(&report), [0, 0, 327, 551, 122]);
    assert_eq!(target.dump(), before);
}

#[test]
fn blank_cells_keep_the_stored_values_and_times_only_move_forward() {
    let mut target = ImportTarget::new();
    let header = "external_id,name,phone,email,source,chat_status,blocked,is_chat_read,created_at,last_message_at,last_inbound_at,list,default_stage_id,ai_customer_id\n";
    let columns = "name phone email source chat_status blocked is_chat_read created_at last_message_at last_inbound_at \
                   default_stage_id ai_customer_id";
    let [one, two] = [1, 2].map(|number| uuid::Uuid::from_u128(number).to_string());
    let first = format!(
        "1,Ana,+5491155550001,a@example.com,ads,OPEN,true,false,2024-01-01,2024-02-02,2024-02-01,VIP,{one},{two}\n"
    );
    target.import(format!("{header}{first}")).unwrap();
    let before = target.dump();
    let report = target
        .import(format!("{header}1,,,,,,,,2020-01-01,2024-01-01,2024-01-01,,,\n"))
        .unwrap();
    assert_eq!(counts(&report), [0, 0, 1, 0, 0]);
    assert_eq!(target.dump(), before);

    let report = target.import(format!(
        "{header}1,Eva,+5491155550002,e@example.com,shop,CLOSED,no,yes,,2024-01-01,2024-03-03,,{two},{one}\n"
    ));
    assert_eq!(counts(&report.unwrap()), [0, 1, 0, 0, 0]);
    assert_eq!(
        target.contacts(columns),
        format!(
            "Eva +5491155550002 e@example.com shop CLOSED false true 2024-01-01 00:00:00+00 2024-03-03 00:00:00+00 \
             2024-03-03 00:00:00+00 {two} {one}"
        )
    );
    assert_eq!(target.ask("SELECT updated_at > created_at FROM contacts"), "true");
    assert_eq!(
        target.ask("SELECT l.name FROM contacts c JOIN contact_lists l ON (l.client_id, l.id) = (c.client_id, c.contact_list_id)"),
        "VIP"
    );
}

#[test]
fn within_a_file_the_last_value_wins() {
    let mut target = ImportTarget::new();
    let file = "phone,name,email,created_at,last_message_at\n\
                +5491155550001,Ana,a@example.com,2024-02-02,2024-05-05\n\
                +5491155550002,Bea,,,\n\
                +5491155550001,Eva,,2024-01-01,2024-04-04\n\
                +5491155550001,,e@example.com,2024-03-03,\n";
    assert_eq!(counts(&target.import(file).unwrap()), [2, 0, 0, 2, 0]);
    assert_eq!(
        target.contacts("phone name email last_message_at"),
        "+5491155550001 Eva e@example.com 2024-05-05 00:00:00+00\n+5491155550002 Bea - -"
    );
    assert_eq!(
        target.ask("SELECT created_at FROM contacts ORDER BY serial_id LIMIT 1"),
        "2024-01-01 00:00:00+00"
    );
}

#[test]
fn serial_ids_follow_the_order_of_the_file() {
    let mut target = ImportTarget::new();
    let file = "external_id,phone,email\n,,z@example.com\n9,,\n,+5491155550001,\n1,,\n,,a@example.com\n";
    target.import(file).unwrap();
    assert_eq!(
        target.contacts("external_user_id phone email"),
        "- - z@example.com\n9 - -\n- +5491155550001 -\n1 - -\n- - a@example.com"
    );
    assert_eq!(
        target.ask("SELECT array_agg(id ORDER BY serial_id) = array_agg(id ORDER BY id) FROM contacts"),
        "true"
    );
}

#[test]
fn an_unknown_external_id_adopts_the_contact_with_the_phone() {
    let mut target = ImportTarget::new();
    target.import("phone,name\n+5491155550001,Ana\n").unwrap();
    let id = target.contacts("id serial_id");
    let file = "external_id,phone,name\nx,+5491155550001,\ny,+5491155550001,Eva\n";
    assert_eq!(counts(&target.import(file).unwrap()), [1, 1, 0, 0, 0]);
    assert_eq!(
        target.contacts("external_user_id phone name"),
        "x +5491155550001 Ana\ny +5491155550001 Eva"
    );
    assert!(target.contacts("id serial_id").starts_with(&id));
    let before = target.dump();
    assert_eq!(counts(&target.import(file).unwrap()), [0, 0, 2, 0, 0]);
    assert_eq!(target.dump(), before);
}

#[test]
fn an_exact_import_adopts_and_merges_no_contacts() {
    let mut target = ImportTarget::new();
    let exact = ImportOptions {
        exact: true,
        ..ImportOptions::default()
    };
    target
        .import("external_id,phone,email\n,+5491155550001,a@example.com\ny,+5491155550002,b@example.com\n")
        .unwrap();
    let file = "external_id,phone,email,name\nx,+5491155550001,,Ana\n,+5491155550002,,Bea\n,,a@example.com,Eva\n\
                ,,A@example.com,Eve\n,+5491155550001,,Ida\n";
    let report = target.import_with(file.as_bytes(), &[], &exact).unwrap();
    assert_eq!(counts(&report), [3, 1, 0, 1, 0]);
    assert_eq!(
        target.contacts("external_user_id phone email name"),
        "- +5491155550001 a@example.com Ida\n\
         y +5491155550002 b@example.com -\n\
         x +5491155550001 - Ana\n\
         - +5491155550002 - Bea\n\
         - - A@example.com Eve"
    );
    let before = target.dump();
    let report = target.import_with(file.as_bytes(), &[], &exact).unwrap();
    assert_eq!(counts(&report), [0, 0, 4, 1, 0]);
    assert_eq!(target.dump(), before);
}

#[test]
fn the_same_phone_on_another_channel_is_another_contact() {
    let mut target = ImportTarget::new();
    target.import("phone,platform\n+5491155550001,whatsapp\n").unwrap();
    let file = "phone,platform,external_id\n+5491155550001,sms,\n+5491155550001,instagram,x\n";
    assert_eq!(counts(&target.import(file).unwrap()), [2, 0, 0, 0, 0]);
    assert_eq!(
        target.contacts("platform external_user_id"),
        "whatsapp -\nsms -\ninstagram x"
    );
}

#[test]
fn a_row_without_external_id_updates_the_oldest_contact_with_the_phone() {
    let mut target = ImportTarget::new();
    let file = "external_id,phone,created_at\nnew,+5491155550001,2024-02-02\nold,+5491155550001,2024-01-01\n";
    target.import(file).unwrap();
    assert_eq!(
        counts(&target.import("phone,name\n+5491155550001,Ana\n").unwrap()),
        [0, 1, 0, 0, 0]
    );
    assert_eq!(target.contacts("external_user_id name"), "new -\nold Ana");
}

#[test]
fn a_row_with_an_email_alone_updates_the_oldest_contact_with_the_email() {
    let mut target = ImportTarget::new();
    let file = "external_id,phone,email,created_at\n\
                x,,ana@example.com,2024-02-02\n,+5491155550001,Ana@Example.com,2024-01-01\n";
    target.import(file).unwrap();
    let report = target.import("email,name\nANA@example.com,Ana\n").unwrap();
    assert_eq!(counts(&report), [0, 1, 0, 0, 0]);
    assert_eq!(
        target.contacts("external_user_id name email"),
        "x - ana@example.com\n- Ana ANA@example.com"
    );
}

#[test]
fn rows_match_the_phones_and_emails_that_contacts_have_after_the_import() {
    let mut target = ImportTarget::new();
    target
        .import("external_id,phone,email\nx,+5491155550001,old@example.com\n")
        .unwrap();
    // The first two rows stand before the row that changes the contact's phone and email.
    let file = "external_id,phone,email,name\n\
                ,+5491155550001,,former phone\n\
                ,,old@example.com,former email\n\
                x,+5491155550002,new@example.com,\n\
                ,+5491155550002,,new phone\n\
                ,,NEW@example.com,new email\n";
    assert_eq!(counts(&target.import(file).unwrap()), [2, 1, 0, 2, 0]);
    assert_eq!(
        target.contacts("external_user_id phone email name"),
        "x +5491155550002 NEW@example.com new email\n- +5491155550001 - former phone\n- - old@example.com former email"
    );
    let before = target.dump();
    assert_eq!(counts(&target.import(file).unwrap()), [0, 0, 3, 2, 0]);
    assert_eq!(target.dump(), before);
}

#[test]
fn contacts_of_another_client_with_the_same_identities_stay_unchanged() {
    let mut target = ImportTarget::new();
    let file = "external_id,phone,email,list\nx,,,VIP\n,+5491155550001,,VIP\n,,a@example.com,VIP\n";
    target.import(file).unwrap();
    let before = target.dump();
    let other = make_client(&mut target.connection, "Beta");
    let file = format!("{file}y,+5491155550001,,\n").replace("VIP", "Other");
    let report = import(
        &mut target.connection,
        &other,
        file.as_bytes(),
        &[],
        &ImportOptions::default(),
    )
    .unwrap();
    assert_eq!(counts(&report), [3, 0, 0, 1, 0]);
    for table in ["contacts", "contact_lists"] {
        sql_query(format!("DELETE FROM {table} WHERE client_id = $1"))
            .bind::<diesel::sql_types::Uuid, _>(other.id.as_uuid())
            .execute(&mut target.connection)
            .unwrap();
    }
    sql_query("DELETE FROM clients WHERE name = 'Beta'")
        .execute(&mut target.connection)
        .unwrap();
    assert_eq!(target.dump(), before);
}
