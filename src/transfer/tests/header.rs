use super::*;

const CHOICE: &str = "choose one with --column phone=COLUMN, or several with --column phone=COLUMN,COLUMN, which \
                      takes the first one with a value";

fn mapping(header: &str, choices: &[&str]) -> Result<String, HeaderError> {
    mapping_with(header, choices, &[])
}

fn mapping_with(header: &str, choices: &[&str], filled: &[bool]) -> Result<String, HeaderError> {
    let header = header.split(';').map(str::to_owned).collect();
    let choices: Result<Vec<ColumnChoice>, _> = choices.iter().map(|choice| choice.parse()).collect();
    let mapping = Mapping::new(header, &choices?, filled)?;
    let found = Attribute::ALL.into_iter().filter(|it| !mapping.columns(*it).is_empty());
    let found: Vec<String> = found.map(|it| format!("{it}={}", mapping.names(&[it]))).collect();
    Ok(found.join(" "))
}

#[test]
fn the_fields_own_names_are_recognised() {
    let header = Attribute::ALL.map(Attribute::name).join(";");
    let expected = Attribute::ALL.map(|it| format!("{it}={it}")).join(" ");
    assert_eq!(mapping(&header, &[]).unwrap(), expected);
}

#[test]
fn usual_names_are_recognised_in_three_languages() {
    for (header, expected) in [
        (
            "Nombre;Apellido;Teléfono;Correo electrónico",
            "name=Nombre, Apellido phone=Teléfono email=Correo electrónico",
        ),
        (
            "NOME;Sobrenome;Celular;E-mail",
            "name=NOME, Sobrenome phone=Celular email=E-mail",
        ),
        ("first_name;Last Name;mobile", "name=first_name, Last Name phone=mobile"),
        ("Full Name;surname;Phone Number", "name=Full Name phone=Phone Number"),
        ("name;first_name;last_name;email", "name=name email=email"),
        ("surname;first_name;email", "name=first_name, surname email=email"),
        ("last_name;email", "name=last_name email=email"),
        ("Tele\u{301}fono;Lista", "phone=Tele\u{301}fono contact_list=Lista"),
        ("phone;External ID", "phone=phone external_user_id=External ID"),
        ("Nome próprio;Apelido;E-mail", "name=Nome próprio, Apelido email=E-mail"),
        ("Nome;Sobrenome;Apelido;E-mail", "name=Nome, Sobrenome email=E-mail"),
        (
            "Nombre y apellido;Número de WhatsApp",
            "name=Nombre y apellido phone=Número de WhatsApp",
        ),
    ] {
        assert_eq!(mapping(header, &[]).unwrap_or_default(), expected, "{header}");
    }
}

#[test]
fn the_users_choice_overrides_the_header() {
    let header = "unique_id;first_name;surname;email;a,b";
    assert_eq!(
        mapping(header, &["name=first_name, Surname", "external_user_id=Unique-ID"]).unwrap(),
        "name=first_name, surname email=email external_user_id=unique_id"
    );
    assert_eq!(
        mapping(header, &["name=a,b", "phone=email"]).unwrap(),
        "name=a,b phone=email"
    );
    assert_eq!(mapping("phone;mobile", &["phone=mobile"]).unwrap(), "phone=mobile");
    assert_eq!(
        mapping("home;mobile;mail", &["phone=mobile, home"]).unwrap(),
        "phone=mobile, home email=mail"
    );
    assert_eq!(mapping("Phone;phone", &["phone=Phone"]).unwrap(), "phone=Phone");
}

#[test]
fn the_table_lists_ignored_columns_that_have_a_name() {
    let table = |header: &str| {
        let header = header.split(';').map(str::to_owned).collect();
        Mapping::new(header, &[], &[]).unwrap().to_string()
    };
    assert_eq!(table("email;;dob;"), "  email            from email\n  ignored: dob\n");
    assert_eq!(table("email;;"), "  email            from email\n");
}

#[test]
fn the_only_one_of_several_columns_that_has_values_is_used() {
    let header = "Work Phone;Home Phone;Mobile Number;Primary Email";
    assert_eq!(
        mapping_with(header, &[], &[false, false, true]).unwrap(),
        "phone=Mobile Number email=Primary Email"
    );
    assert_eq!(mapping_with("Phone;Phone", &[], &[false, true]).unwrap(), "phone=Phone");
    assert_eq!(
        mapping_with(header, &[], &[false, false, false, true]).unwrap(),
        "phone=Work Phone email=Primary Email"
    );
    for filled in [&[][..], &[true, false, true]] {
        assert_eq!(
            mapping_with(header, &[], filled).unwrap_err().to_string(),
            format!("the columns Work Phone, Home Phone, Mobile Number could all be phone: {CHOICE}")
        );
    }
}

#[test]
fn of_ranked_columns_the_first_one_that_has_values_is_used() {
    let header = "Phone 2;Secondary Email;Phone 1;Email;Phone 3";
    for (filled, expected) in [
        (&[][..], "phone=Phone 1 email=Email"),
        (&[true, true, true, true, true], "phone=Phone 1 email=Email"),
        (&[true, true, false, false, true], "phone=Phone 2 email=Secondary Email"),
    ] {
        assert_eq!(mapping_with(header, &[], filled).unwrap(), expected);
    }
    assert_eq!(mapping("name;Email 2", &[]).unwrap(), "name=name email=Email 2");
    assert_eq!(
        mapping("Phone 2;Home Phone 2;Phone 3", &[]).unwrap_err().to_string(),
        format!("the columns Phone 2, Home Phone 2 could all be phone: {CHOICE}")
    );
}

#[test]
fn a_column_name_in_an_error_can_not_drive_the_terminal() {
    let error = mapping("\u{1b}]0;x\u{7};b\u{202e}\nc", &[]).unwrap_err().to_string();
    assert!(
        error.ends_with("the columns are \\u{1b}]0, x\\u{7}, b\\u{202e}\\nc"),
        "{error}"
    );
    let header = "phone\u{1b};tel;n\n";
    for (choices, expected) in [
        (&[][..], "the columns phone\\u{1b}, tel could all be phone"),
        (&["phone=\u{9b}"], "the file has no column “\\u{9b}”"),
        (&["fone\u{1b}=x"], "there is no field “fone\\u{1b}”"),
        (&["\u{1b}"], "“\\u{1b}” is not of the form"),
    ] {
        let error = mapping(header, choices).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn an_ambiguous_header_is_an_error_that_says_what_to_change() {
    for columns in ["mobile, whatsapp", "phone, mobile", "Phone, phone"] {
        assert_eq!(
            mapping(&columns.replace(", ", ";"), &[]).unwrap_err().to_string(),
            format!("the columns {columns} could all be phone: {CHOICE}")
        );
    }
    for (header, choices, expected) in [
        (
            "Phone;Phone",
            &[][..],
            "the file has several columns “Phone”: give each a name of its own",
        ),
        (
            "x;x;email",
            &["name=x"],
            "the file has several columns “x”: give each a name of its own",
        ),
        (
            "email",
            &["name=n"],
            "the file has no column “n”: its columns are email",
        ),
        (
            "Ana;ana@example.com",
            &["name=n"],
            "line 1 seems to contain a contact: the first line must name the columns",
        ),
        (
            "email;a;b",
            &["platform=a,b"],
            "--column platform=…: only name, phone and email can have several columns",
        ),
        ("email;a;b", &["phone=a", "phone=b"], "--column phone=… is given twice"),
        (
            "email",
            &["name"],
            "“name” is not of the form field=column, as in --column name=first_name,last_name",
        ),
        (
            "email",
            &["name="],
            "“name=” is not of the form field=column, as in --column name=first_name,last_name",
        ),
    ] {
        assert_eq!(mapping(header, choices).unwrap_err().to_string(), expected);
    }
    let error = mapping("email", &["fone=email"]).unwrap_err().to_string();
    assert!(
        error.starts_with("there is no field “fone”: the fields are name, phone, "),
        "{error}"
    );
    let error = mapping("name;dob", &[]).unwrap_err().to_string();
    assert!(error.ends_with("the columns are name, dob"), "{error}");
}
