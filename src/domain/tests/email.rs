//! The cleaning of emails, placeholders, and texts that are no email.

use super::*;
use proptest::prelude::*;

fn read(text: &str) -> Option<String> {
    stored(text.to_owned())
}

#[test]
fn a_pasted_email_is_its_address() {
    let cases = [
        "ana.perez@example.com,",
        "ana.perez@example.com;",
        "ana.perez@example.com.",
        " ; ana.perez@example.com ., ",
        "<ana.perez@example.com>",
        "\"Ana Perez\" <ana.perez@example.com>",
        "Perez, Ana <ana.perez@example.com>;",
        "Ana Perez<ana.perez@example.com",
        "ana@old.example <ana.perez@example.com>",
        "Ana Perez (ana.perez@example.com)",
        "ana.perez@example.com (Ana Perez)",
        "(home) ana.perez@example.com",
        "MAILTO:ana.perez@example.com?subject=x",
        "<mailto:ana.perez@example.com>",
        "mailto:ana.perez%40example.com",
        "[ana.perez@example.com](mailto:ana.perez@example.com)",
        "<a href=\"mailto:ana.perez@example.com\">write</a>",
        "ana.perez@example.com?subject=x",
        "(ana.perez@example.com)",
        "[ana.perez@example.com]",
        "{ana.perez@example.com}",
        "'ana.perez@example.com'",
        "“ana.perez@example.com”",
        "«ana.perez@example.com».",
        "`ana.perez@example.com`",
        "email: ana.perez@example.com",
        "E-mail:ana.perez@example.com",
        "Correo electrónico: ana.perez@example.com",
        "Email 2: ana.perez@example.com",
        "SMTP:ana.perez@example.com",
        "email ana.perez@example.com",
        "e-mail = ana.perez@example.com",
        "Mail - ana.perez@example.com",
        "• ana.perez@example.com",
        "ana.perez@example.com\u{200B}",
        "\u{FEFF}ana.perez@example.com",
        "ana\u{AD}.perez\u{2060}@exam\u{200D}ple.com",
        "\u{202A}ana.perez@example.com\u{202C}",
        "\u{A0}ana.perez@example.com\r\n",
        "ana.perez@example.com\u{7F}",
    ];
    for case in cases {
        assert_eq!(read(case).as_deref(), Some("ana.perez@example.com"), "{case:?}");
    }
}

#[test]
fn an_address_stays_as_it_is() {
    let cases = [
        "ana+crm@example.com",
        "\"john doe\"@example.com",
        "ana@[192.0.2.1]",
        "o'brien@example.com",
        "ana=x@example.com",
        "a/b!c#d$e%f&g*h^i_j`k{l|m}n~o@example.com",
        "ana maria@example.com",
        "ana@example.com, bea@example.com",
        "Ana <ana@example.com>, Bea <bea@example.com>",
        "peña@éxample.com",
        "no.tiene@example.com",
        "nadia@example.com",
    ];
    for case in cases {
        assert_eq!(read(case).as_deref(), Some(case), "{case:?}");
    }
}

#[test]
fn an_email_is_normalised_to_nfc() {
    assert_eq!(read("jose\u{301}@example.com").as_deref(), Some("josé@example.com"));
    assert_eq!(
        read("jose\u{34F}\u{301}@example.com").as_deref(),
        Some("josé@example.com")
    );
    assert_eq!(
        read("\u{1112}\u{1161}\u{11AB}@example.com").as_deref(),
        Some("한@example.com")
    );
}

#[test]
fn a_placeholder_is_no_email() {
    let cases = [
        "",
        " ",
        "-",
        "--",
        "—",
        ".",
        "...",
        "?",
        "@",
        "/",
        "n/a",
        "N/A",
        "n.a.",
        "#N/A",
        "NA",
        "#N/D",
        "n/d",
        "null",
        "NULL",
        "(null)",
        "<none>",
        "None",
        "nil",
        "NaN",
        "undefined",
        "unknown",
        "sin correo",
        "SIN CORREO.",
        "sin_correo",
        "sincorreo",
        "Sin e-mail",
        "sin correo electrónico",
        "s/correo",
        "s/d",
        "S/N",
        "no tiene",
        "No tiene correo",
        "no tiene email",
        "no posee",
        "NO",
        "no hay",
        "no disponible",
        "no aplica",
        "no informa",
        "ninguno",
        "Ningún correo",
        "não tem",
        "nao tem",
        "NÃO POSSUI",
        "sem email",
        "sem e-mail",
        "nenhum",
        "não informado",
        "no email",
        "no e-mail",
        "not available",
        "Not provided",
        "not applicable",
        "without email",
        "empty",
        "vacío",
        "vazio",
        "x",
        "XXX",
        "0",
        "0000",
        "sin @",
        "no@",
        "na@na.com",
        "sincorreo@sincorreo.com",
        "no@no.com",
        "\u{200B}",
        "\"\"",
        "()",
    ];
    for case in cases {
        assert_eq!(read(case), None, "{case:?}");
    }
}

#[test]
fn an_email_has_an_at_sign_between_other_characters() {
    for text in ["a@b", "ana maria@example.com", "@a@b", "ñ@ñ"] {
        assert!(is_email(text), "{text}");
    }
    for text in ["", "ana", "ana@", "@example.com", " @ ", "@@@", "ana @ "] {
        assert!(!is_email(text), "{text}");
    }
}

#[test]
fn a_complete_address_has_a_dot_in_its_domain() {
    for text in ["a@b.c", "a b@c.d", "ana@mail.example"] {
        assert!(is_complete(text), "{text}");
    }
    for text in ["a@b", "a@b.", "a@.b", "@b.c", "a.b", "a@b.c@d.e", "a@b.c d"] {
        assert!(!is_complete(text), "{text}");
    }
}

#[test]
fn all_marks_at_one_end_of_an_address_are_one_layer() {
    for (before, after) in [
        (".", ""),
        (". ", ""),
        ("- ", ""),
        ("\"", "\""),
        ("(", ""),
        ("", ")"),
        ("", "!"),
        (";,", ".:"),
    ] {
        let text = format!("{}ana@example.com{}", before.repeat(300), after.repeat(100));
        assert_eq!(read(&text).as_deref(), Some("ana@example.com"), "{before:?} {after:?}");
        let layers = std::iter::successors(Some(text), |text| unwrap(text).map(Cow::into_owned)).count() - 1;
        assert!(layers <= 2, "{before:?} {after:?}: {layers}");
    }
}

#[test]
fn a_text_that_is_too_long_or_has_too_many_layers_stays_unchanged() {
    let layers = |count: usize| format!("ana@example.com{}", ")}".repeat(count / 2));
    assert_eq!(clean(&layers(LAYERS_MAX)), "ana@example.com");
    for text in [
        layers(LAYERS_MAX + 2),
        format!("{}ana@example.com", ".".repeat(UNWRAPPED_MAX)),
        "email: ".repeat(100),
    ] {
        assert_eq!(clean(&text), text);
    }
}

/// The rule for the edges that removes one character at a time.
fn without_one_mark(text: &str) -> Option<&str> {
    let (mut after, mut before) = (text.chars(), text.chars());
    let is_start_removed = after.next().is_some_and(|first| match first {
        '"' => !after.as_str().contains("\"@"),
        '-' | '=' | '*' | '•' | '·' | '–' | '—' => after.as_str().starts_with(' '),
        other => is_around(other),
    });
    let is_end_removed = before.next_back().is_some_and(|last| match last {
        ']' => !before.as_str().contains("@["),
        '>' => !before.as_str().contains('<'),
        ':' | '!' => true,
        other => is_around(other),
    });
    if is_start_removed {
        Some(after.as_str())
    } else {
        is_end_removed.then_some(before.as_str())
    }
}

/// The address, with one mark removed at a time and every layer normalised.
fn clean_slowly(text: &str) -> String {
    let steps = [without_remark, without_one_mark, without_label, without_query];
    let mut address = text.to_owned();
    loop {
        let inner = in_brackets(&address).map(str::to_owned);
        let inner = inner.or_else(|| after_mailto(&address));
        let inner = inner.or_else(|| steps.iter().find_map(|step| step(&address)).map(str::to_owned));
        match inner {
            Some(inner) => address = visible(&inner),
            None => return address,
        }
    }
}

proptest! {
    #[test]
    fn removing_marks_at_once_equals_removing_them_one_by_one(
        text in r#"[a@<>()\[\]{}"'.,:;|!?*\- é\u{301}]{0,24}"#
    ) {
        let text = visible(&text);
        prop_assert_eq!(clean(&text), clean_slowly(&text));
    }

    #[test]
    fn a_stored_email_is_stored_unchanged_when_it_is_written_again(
        text in r#"[ -~áé\u{301}\u{200B}\u{A0}]{0,20}(@[a-c<>(),.:; ]{0,8}|mailto:a@b|email: )?"#
    ) {
        if let Some(address) = read(&text) {
            prop_assert_eq!(read(&address), Some(address));
        }
    }

    #[test]
    fn invisible_characters_do_not_change_an_email(
        place in 0_usize..16, invisible in "[\u{200B}\u{AD}\u{FEFF}\u{202E}\u{FE0F}\u{1}]{1,3}"
    ) {
        let mut text = "ana@example.com".to_owned();
        text.insert_str(place.min(text.len()), &invisible);
        prop_assert_eq!(read(&text), Some("ana@example.com".to_owned()));
    }

    #[test]
    fn cleaning_leaves_a_plain_address_unchanged(text in "[a-zA-Z0-9][a-zA-Z0-9._+@-]{0,20}[a-zA-Z0-9]") {
        prop_assert!(is_plain(&text));
        prop_assert_eq!(clean(&visible(&text)), text);
    }
}
