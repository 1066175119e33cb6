//! SQL in its own words that is prepared once a connection.
//!
//! diesel prepares what its typed builder makes once a connection and `sql_query` at every call. The searches, the
//! lookup and what records messages are written in SQL for its shape's sake and run thousands of times a minute, so
//! that they want both.

use std::mem::size_of;

use chrono::{DateTime, Utc};
use diesel::pg::{Pg, PgConnection};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::RunQueryDsl;
use diesel::result::QueryResult;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Untyped, Uuid as SqlUuid};
use uuid::Uuid;

/// One value that a statement asks for.
#[derive(Debug)]
pub(super) enum Bind {
    BigInt(i64),
    BigInts(Vec<i64>),
    BigIntsOrNull(Vec<Option<i64>>),
    Bools(Vec<bool>),
    Text(String),
    Texts(Vec<String>),
    TextsOrNull(Vec<Option<String>>),
    Time(DateTime<Utc>),
    TimesOrNull(Vec<Option<DateTime<Utc>>>),
    Uuid(Uuid),
    Uuids(Vec<Uuid>),
}

/// A statement and its values: `?` in the text stands for the next of them.
///
/// The text is given by a closure that captures nothing, `|| TEXT`: every closure is a type of its own, by which diesel
/// finds what it has prepared without writing the text out and hashing it at each call.
pub(super) struct Statement<T> {
    text: T,
    binds: Vec<Bind>,
}

impl<T: Fn() -> &'static str> Statement<T> {
    /// The text has as many `?` as there are `binds`, and no other.
    pub(super) fn new(text: T, binds: Vec<Bind>) -> Self {
        const { assert!(size_of::<T>() == 0, "the closure has to give the same text each time") };
        debug_assert_eq!(text().matches('?').count(), binds.len());
        Self { text, binds }
    }
}

impl<T: Fn() -> &'static str> QueryFragment<Pg> for Statement<T> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut binds = self.binds.iter();
        for (index, piece) in (self.text)().split('?').enumerate() {
            if index > 0 {
                match binds.next() {
                    Some(Bind::BigInt(value)) => out.push_bind_param::<BigInt, _>(value)?,
                    Some(Bind::BigInts(value)) => out.push_bind_param::<Array<BigInt>, _>(value)?,
                    Some(Bind::BigIntsOrNull(value)) => out.push_bind_param::<Array<Nullable<BigInt>>, _>(value)?,
                    Some(Bind::Bools(value)) => out.push_bind_param::<Array<Bool>, _>(value)?,
                    Some(Bind::Text(value)) => out.push_bind_param::<Text, _>(value)?,
                    Some(Bind::Texts(value)) => out.push_bind_param::<Array<Text>, _>(value)?,
                    Some(Bind::TextsOrNull(value)) => out.push_bind_param::<Array<Nullable<Text>>, _>(value)?,
                    Some(Bind::Time(value)) => out.push_bind_param::<Timestamptz, _>(value)?,
                    Some(Bind::TimesOrNull(value)) => out.push_bind_param::<Array<Nullable<Timestamptz>>, _>(value)?,
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

impl<T: 'static> QueryId for Statement<T> {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<T> Query for Statement<T> {
    type SqlType = Untyped;
}

impl<T> RunQueryDsl<PgConnection> for Statement<T> {}
