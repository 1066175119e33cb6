//! The rules that a statement keeps if Citus can run it. A statement that only reads and writes the rows of one client
//! must say so for every table, so that Citus sends it to one node.

use std::fmt;

/// The tables that are distributed by `client_id`.
const DISTRIBUTED: [&str; 6] = [
    "contact_lists",
    "contact_texts",
    "contact_words",
    "contact_words_left",
    "contacts",
    "contacts_newest",
];

/// The tables of which every node has a copy.
const REFERENCE: [&str; 2] = ["contact_period_border", "contacts_newest_border"];

/// The first words of the names of temporary tables, which only the coordinator has.
const TEMPORARY: [&str; 4] = ["import_", "check_", "judged_", "recheck_"];

/// What Citus can't run, or only on all nodes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fault {
    /// A reference to this table has no `client_id = $n` of its own.
    NoClient(String),
    /// A row of this table is inserted without `client_id`.
    NoClientInserted(String),
    /// `SELECT FROM`.
    NoColumns,
    LocksInCte,
    Ctid,
    /// `EXISTS` reads this temporary table, for each row of a distributed one.
    ExistsInTemporary(String),
    /// An update of this table, of which every node has a copy, reads another one.
    UpdatesReferenceByJoin(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoClient(table) => write!(f, "{table} needs its own `client_id = $n`"),
            Self::NoClientInserted(table) => write!(f, "an insert into {table} needs `client_id`"),
            Self::NoColumns => f.write_str("a SELECT needs a column: write SELECT 1"),
            Self::LocksInCte => f.write_str("a CTE can't lock rows"),
            Self::Ctid => f.write_str("a ctid belongs to one node"),
            Self::ExistsInTemporary(table) => write!(f, "EXISTS can't read the temporary table {table} here: join it"),
            Self::UpdatesReferenceByJoin(table) => write!(f, "an update of {table} can't read other tables"),
        }
    }
}

/// The faults of a statement. A statement that names no table of the nodes has none, because only the coordinator runs it.
pub fn faults(statement: &str) -> Vec<Fault> {
    let nodes = parse(statement);
    let mut faults = Vec::new();
    if names_any(&nodes, &DISTRIBUTED) || names_any(&nodes, &REFERENCE) {
        check_query(&nodes, false, &mut faults);
    }
    faults
}

fn names_any(nodes: &[Node], tables: &[&str]) -> bool {
    nodes.iter().any(|node| match node {
        Node::Group(nodes) => names_any(nodes, tables),
        node => node.is(tables),
    })
}

/// A token, or the tokens in a pair of parentheses.
#[derive(Clone, PartialEq, Debug)]
enum Node {
    /// A keyword or a name, in lower case.
    Word(String),
    /// `$1`.
    Parameter,
    Symbol(char),
    /// A quoted text or a number.
    Value,
    Group(Vec<Node>),
}

impl Node {
    fn word(&self) -> &str {
        match self {
            Self::Word(word) => word,
            _ => "",
        }
    }

    fn is(&self, words: &[&str]) -> bool {
        words.contains(&self.word())
    }

    /// The nodes of a subquery.
    fn query(&self) -> Option<&[Node]> {
        let Self::Group(nodes) = self else {
            return None;
        };
        let first = nodes.first()?;
        let is_query = first.is(&["select", "with", "insert", "update", "delete", "values"]) || first.query().is_some();
        is_query.then_some(nodes)
    }
}

fn parse(statement: &str) -> Vec<Node> {
    let mut groups = vec![Vec::new()];
    let mut rest = statement;
    while let Some(first) = rest.chars().next() {
        let (length, node) = match first {
            _ if first.is_whitespace() => (first.len_utf8(), None),
            '-' if rest.starts_with("--") => (rest.find('\n').unwrap_or(rest.len()), None),
            '(' => {
                groups.push(Vec::new());
                (1, None)
            }
            ')' => {
                let group = groups.pop().unwrap_or_default();
                if groups.is_empty() {
                    groups.push(Vec::new());
                }
                (1, Some(Node::Group(group)))
            }
            '\'' => (quoted_length(rest, '\'', false), Some(Node::Value)),
            'E' if rest.starts_with("E'") => (1 + quoted_length(&rest[1..], '\'', true), Some(Node::Value)),
            '"' => {
                let length = quoted_length(rest, '"', false);
                let name = rest[..length].trim_matches('"').to_lowercase();
                (length, Some(Node::Word(name)))
            }
            '$' => (1 + run_length(&rest[1..]), Some(Node::Parameter)),
            _ if first.is_ascii_digit() => (run_length(rest), Some(Node::Value)),
            _ if first.is_alphabetic() || first == '_' => {
                let length = run_length(rest);
                (length, Some(Node::Word(rest[..length].to_lowercase())))
            }
            _ => (first.len_utf8(), Some(Node::Symbol(first))),
        };
        if let (Some(node), Some(group)) = (node, groups.last_mut()) {
            group.push(node);
        }
        rest = &rest[length..];
    }
    groups.swap_remove(0)
}

/// The length of the letters, digits and underscores at the start of the text.
fn run_length(text: &str) -> usize {
    text.find(|character: char| !(character.is_alphanumeric() || character == '_'))
        .unwrap_or(text.len())
}

fn quoted_length(text: &str, quote: char, has_escapes: bool) -> usize {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, character)) = characters.next() {
        let is_doubled = character == quote && characters.peek().is_some_and(|(_, next)| *next == quote);
        if is_doubled || (has_escapes && character == '\\') {
            characters.next();
        } else if character == quote {
            return at + 1;
        }
    }
    text.len()
}

fn check_query(nodes: &[Node], is_cte: bool, faults: &mut Vec<Fault>) {
    for part in nodes.split(|node| node.is(&["union", "except", "intersect"])) {
        check_part(part, is_cte, faults);
    }
}

/// Checks a query without UNION, and its subqueries.
fn check_part(nodes: &[Node], is_cte: bool, faults: &mut Vec<Fault>) {
    let tables = tables(nodes);
    let conditions = conditions(nodes);
    let distributed: Vec<&Table> = tables.iter().filter(|table| table.is_in(&DISTRIBUTED)).collect();
    let read = distributed.iter().filter(|table| !table.is_target);
    for table in read.clone() {
        let binds = |qualifier: &str| qualifier == table.alias || qualifier.is_empty() && read.clone().count() == 1;
        if !conditions.iter().any(|qualifier| binds(qualifier)) {
            faults.push(Fault::NoClient(table.name.clone()));
        }
    }
    for table in distributed
        .iter()
        .filter(|table| table.is_target && !table.inserts_client)
    {
        faults.push(Fault::NoClientInserted(table.name.clone()));
    }
    if let Some(updated) = tables.first().filter(|table| table.is_in(&REFERENCE))
        && nodes.first().is_some_and(|first| first.is(&["update"]))
        && tables.len() > 1
    {
        faults.push(Fault::UpdatesReferenceByJoin(updated.name.clone()));
    }
    for (at, node) in nodes.iter().enumerate() {
        let next = nodes.get(at + 1);
        if node.is(&["select"]) && next.is_none_or(|next| next.is(&["from", "where"])) {
            faults.push(Fault::NoColumns);
        }
        if is_cte && node.is(&["for"]) && next.is_some_and(|next| next.is(&["update", "no", "share", "key"])) {
            faults.push(Fault::LocksInCte);
        }
    }
    check_groups(nodes, !distributed.is_empty(), faults);
}

/// Checks the subqueries in the parentheses of a query.
fn check_groups(nodes: &[Node], is_distributed: bool, faults: &mut Vec<Fault>) {
    for (at, node) in nodes.iter().enumerate() {
        let before = |words: &[&str]| at > 0 && nodes[at - 1].is(words);
        if node.is(&["ctid"]) {
            faults.push(Fault::Ctid);
        }
        match (node, node.query()) {
            (_, Some(query)) => {
                check_query(query, before(&["as", "materialized"]), faults);
                if is_distributed && before(&["exists"]) {
                    let temporary = tables(query).into_iter().find(Table::is_temporary);
                    faults.extend(temporary.map(|table| Fault::ExistsInTemporary(table.name)));
                }
            }
            (Node::Group(nodes), None) => check_groups(nodes, is_distributed, faults),
            _ => {}
        }
    }
}

/// A reference to a table.
#[derive(Debug)]
struct Table {
    name: String,
    /// The name of the reference: that of the table without another one.
    alias: String,
    /// Whether rows are inserted into it.
    is_target: bool,
    inserts_client: bool,
}

impl Table {
    fn is_in(&self, tables: &[&str]) -> bool {
        tables.contains(&self.name.as_str())
    }

    fn is_temporary(&self) -> bool {
        TEMPORARY.iter().any(|prefix| self.name.starts_with(prefix))
    }
}

/// Words after a table that are no alias.
const AFTER_TABLE: [&str; 24] = [
    "as",
    "where",
    "join",
    "left",
    "right",
    "full",
    "inner",
    "cross",
    "natural",
    "on",
    "using",
    "set",
    "order",
    "group",
    "limit",
    "offset",
    "for",
    "returning",
    "having",
    "window",
    "values",
    "select",
    "with",
    "lateral",
];

/// Words that end a list of tables.
const AFTER_TABLES: [&str; 11] = [
    "where",
    "set",
    "order",
    "group",
    "limit",
    "offset",
    "for",
    "returning",
    "having",
    "window",
    "values",
];

/// The tables that a query refers to, without those of its subqueries.
fn tables(nodes: &[Node]) -> Vec<Table> {
    let mut tables = Vec::new();
    let (mut at, mut is_list) = (0, false);
    while let Some(node) = nodes.get(at) {
        // IS DISTINCT FROM.
        let is_compared = at > 1 && nodes[at - 1].is(&["distinct"]) && nodes[at - 2].is(&["is", "not"]);
        at += 1;
        let is_target = node.is(&["into"]);
        let starts = match node.word() {
            "from" => !is_compared,
            "join" | "into" => true,
            "using" => matches!(nodes.get(at), Some(Node::Word(_))),
            "update" => at == 1,
            _ => is_list && *node == Node::Symbol(','),
        };
        is_list = (is_list || starts && !is_target) && !node.is(&AFTER_TABLES);
        if !starts {
            continue;
        }
        while nodes.get(at).is_some_and(|node| node.is(&["only", "lateral"])) {
            at += 1;
        }
        match nodes.get(at) {
            Some(group @ Node::Group(joined)) if group.query().is_none() => {
                let mut nodes = vec![Node::Word("from".to_owned())];
                nodes.extend_from_slice(joined);
                tables.extend(self::tables(&nodes));
            }
            Some(Node::Word(name)) => {
                let columns = nodes.get(at + 1).filter(|node| matches!(node, Node::Group(_)));
                if columns.is_some() && !is_target {
                    continue;
                }
                let has_as = nodes.get(at + 1).is_some_and(|node| node.is(&["as"]));
                let alias = nodes.get(at + 1 + usize::from(has_as));
                let alias = alias
                    .map(Node::word)
                    .filter(|word| !word.is_empty() && !AFTER_TABLE.contains(word));
                let inserts_client = match columns {
                    Some(Node::Group(columns)) => columns.iter().any(|column| column.is(&["client_id"])),
                    _ => false,
                };
                tables.push(Table {
                    name: name.clone(),
                    alias: alias.unwrap_or(name).to_owned(),
                    is_target,
                    inserts_client,
                });
            }
            _ => {}
        }
    }
    tables
}

/// The qualifiers of each `client_id = $n` that must hold for a row of the query.
fn conditions(nodes: &[Node]) -> Vec<&str> {
    let is_start = |node: &Node| node.is(&["from", "where"]);
    let start = nodes.iter().position(is_start).unwrap_or(nodes.len());
    let mut found = Vec::new();
    collect_conditions(&nodes[start..], &mut found);
    found
}

fn collect_conditions<'n>(nodes: &'n [Node], found: &mut Vec<&'n str>) {
    if nodes.iter().any(|node| node.is(&["or"])) {
        return;
    }
    for (at, node) in nodes.iter().enumerate() {
        let before = |back: usize| at.checked_sub(back).map(|at| &nodes[at]);
        match node {
            Node::Group(group) if node.query().is_none() && !before(1).is_some_and(|node| node.is(&["not"])) => {
                collect_conditions(group, found);
            }
            _ if node.is(&["client_id"])
                && nodes.get(at + 1) == Some(&Node::Symbol('='))
                && nodes.get(at + 2) == Some(&Node::Parameter) =>
            {
                let qualifier = before(2).filter(|_| before(1) == Some(&Node::Symbol('.')));
                found.push(qualifier.map_or("", Node::word));
            }
            _ => {}
        }
    }
}

#[test]
fn every_reference_to_a_distributed_table_needs_its_own_client() {
    for right in [
        "SELECT id FROM contacts WHERE client_id = $1",
        r#"SELECT "contacts"."id" FROM "contacts" WHERE (("contacts"."client_id" = $1) AND ("contacts"."id" = $2))"#,
        "SELECT 1 FROM contacts c JOIN contact_lists AS l ON l.client_id = $1 AND l.id = c.list WHERE c.client_id = $1",
        r#"SELECT 1 FROM ("contacts" INNER JOIN "contact_lists" ON ("contact_lists"."client_id" = $1))
           WHERE ("contacts"."client_id" = $1)"#,
        "SELECT id FROM contacts WHERE client_id = $1 UNION ALL SELECT id FROM contacts WHERE client_id = $1",
        "UPDATE contacts SET name = x.name FROM unnest($2::text[]) AS x (name) WHERE contacts.client_id = $1",
        "DELETE FROM contacts WHERE client_id = $1 AND (id = $2 OR id = $3)",
        "INSERT INTO contacts (client_id, id) VALUES ($1, $2)",
        "INSERT INTO contact_lists (client_id, name) SELECT $1, list FROM import_rows",
        "SELECT 1 FROM clients WHERE name IS DISTINCT FROM 'FROM contacts' -- FROM contacts",
        "SELECT (SELECT count(*) FROM contacts WHERE client_id = $1), since FROM contacts_newest_border",
    ] {
        assert_eq!(faults(right), [], "{right}");
    }
    let contacts = || Fault::NoClient("contacts".to_owned());
    for wrong in [
        "SELECT id FROM contacts",
        "SELECT id FROM contacts WHERE client_id = (SELECT client FROM asked)",
        "SELECT id FROM contacts WHERE client_id = $1 OR true",
        "SELECT id FROM contacts WHERE NOT (client_id = $1)",
        "SELECT 1 FROM contacts c JOIN contact_lists l ON l.client_id = $1 AND c.client_id = l.client_id",
        "SELECT id FROM contacts WHERE client_id = $1 UNION ALL SELECT id FROM contacts",
        "SELECT client_id = $1 FROM contacts",
        "UPDATE contacts SET client_id = $1",
        "SELECT 1 FROM clients, contacts WHERE clients.id = $1",
        "WITH found AS (SELECT id FROM contacts) SELECT 1 FROM found WHERE client_id = $1",
        "SELECT 1 FROM (SELECT id FROM contacts OFFSET 0) AS found WHERE client_id = $1",
        "DECLARE c CURSOR FOR SELECT id FROM contacts ORDER BY id",
    ] {
        assert_eq!(faults(wrong), [contacts()], "{wrong}");
    }
    let wrong = "SELECT 1 FROM contacts JOIN contact_texts USING (id) WHERE client_id = $1";
    assert_eq!(faults(wrong), [contacts(), Fault::NoClient("contact_texts".to_owned())]);
    let wrong = "INSERT INTO contact_lists (name) VALUES ($1)";
    assert_eq!(faults(wrong), [Fault::NoClientInserted("contact_lists".to_owned())]);
}

#[test]
fn the_other_rules_can_fail_too() {
    let of_client = "FROM contacts WHERE client_id = $1";
    for (wrong, fault) in [
        (
            format!("SELECT count(*) FROM (SELECT {of_client}) AS all"),
            Fault::NoColumns,
        ),
        (format!("SELECT 1 WHERE EXISTS (SELECT {of_client})"), Fault::NoColumns),
        (
            format!("WITH locked AS MATERIALIZED (SELECT 1 {of_client} FOR NO KEY UPDATE) SELECT 1 FROM locked"),
            Fault::LocksInCte,
        ),
        (format!("SELECT ctid {of_client}"), Fault::Ctid),
        (
            format!("SELECT 1 {of_client} AND NOT EXISTS (SELECT 1 FROM import_rows r WHERE r.id = contacts.id)"),
            Fault::ExistsInTemporary("import_rows".to_owned()),
        ),
        (
            "UPDATE contacts_newest_border SET since = at FROM found WHERE since < at".to_owned(),
            Fault::UpdatesReferenceByJoin("contacts_newest_border".to_owned()),
        ),
    ] {
        assert_eq!(faults(&wrong), [fault], "{wrong}");
    }
    for right in [
        format!("SELECT 1 {of_client} FOR UPDATE"),
        format!("SELECT 1 {of_client} AND id IN (SELECT id {of_client} FOR UPDATE SKIP LOCKED)"),
        format!("SELECT 1 {of_client} AND NOT EXISTS (SELECT 1 FROM same WHERE same.id = contacts.id)"),
        "UPDATE contacts_newest_border SET since = $1 WHERE since < $1".to_owned(),
        "WITH used AS (SELECT FROM api_keys FOR UPDATE) SELECT 1 FROM used".to_owned(),
    ] {
        assert_eq!(faults(&right), [], "{right}");
    }
}
