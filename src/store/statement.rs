//! SQL in its own words that is prepared once a connection.
//!
//! diesel prepares what its typed builder makes once a connection and `sql_query` at every call. The two
//! searches, and what finds the contact that a write means, are written in SQL for its shape's sake and run thousands
//! of times a minute, so they want both.

use chrono::{DateTime, Utc};
use diesel::pg::{Pg, PgConnection};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::RunQueryDsl;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz, Untyped, Uuid as SqlUuid};
use uuid::Uuid;

/// One value that a statement asks for.
#[derive(Debug)]
pub(super) enum Bind {
    BigInt(i64),
    BigInts(Vec<i64>),
    Text(String),
    Texts(Vec<String>),
    Time(DateTime<Utc>),
    Uuid(Uuid),
    Uuids(Vec<Uuid>),
}

/// A statement and its values: `?` in the text stands for the next of them.
#[derive(Debug)]
pub(super) struct Statement {
    text: &'static str,
    binds: Vec<Bind>,
}

impl Statement {
    /// `text` has as many `?` as there are `binds`, and no other.
    pub(super) fn new(text: &'static str, binds: Vec<Bind>) -> Self {
        debug_assert_eq!(text.matches('?').count(), binds.len());
        Self { text, binds }
    }
}

impl QueryFragment<Pg> for Statement {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut binds = self.binds.iter();
        for (index, piece) in self.text.split('?').enumerate() {
            if index > 0 {
                match binds.next() {
                    Some(Bind::BigInt(value)) => out.push_bind_param::<BigInt, _>(value)?,
                    Some(Bind::BigInts(value)) => out.push_bind_param::<Array<BigInt>, _>(value)?,
                    Some(Bind::Text(value)) => out.push_bind_param::<Text, _>(value)?,
                    Some(Bind::Texts(value)) => out.push_bind_param::<Array<Text>, _>(value)?,
                    Some(Bind::Time(value)) => out.push_bind_param::<Timestamptz, _>(value)?,
                    Some(Bind::Uuid(value)) => out.push_bind_param::<SqlUuid, _>(value)?,
                    Some(Bind::Uuids(value)) => out.push_bind_param::<Array<SqlUuid>, _>(value)?,
                    None => {}
                }
            }
            out.push_sql(piece);
        }
        Ok(())
    }
}

/// Without a static id diesel caches by the text, which is what tells these statements apart.
impl QueryId for Statement {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Statement {
    type SqlType = Untyped;
}

impl RunQueryDsl<PgConnection> for Statement {}
