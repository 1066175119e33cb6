//! Hand-written SQL that is prepared once per connection.
//!
//! diesel prepares the queries of its typed builder once per connection, and `sql_query` at every call. The searches,
//! the lookup and the recording of messages depend on the shape of their SQL and run thousands of
//! times a minute, so they need hand-written SQL that is prepared once.
//!
//! A statement is a `.sql` file beside the code that runs it, or a short text in that code. psql
//! runs the same text: write `PREPARE name AS` before it and `EXECUTE name (values)` after it. `$1`
//! and so on stand for the values.

use std::marker::PhantomData;
use std::mem::size_of;
use std::time::Duration;

use diesel::pg::{Pg, PgConnection};
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::query_dsl::RunQueryDsl;
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::{Array, BigInt, HasSqlType, Text, Untyped, Uuid as SqlUuid};
use uuid::Uuid;

/// A statement and its values, which are bound in the order of their numbers: `$1`, then `$2`.
///
/// The text is given by a closure that captures nothing, `|| TEXT`. Every closure has a type of its own, and diesel
/// finds the prepared statement by that type. Otherwise it would write out and hash the text at each call.
pub(super) struct Statement<T, B = ()> {
    text: T,
    values: B,
}

/// A bound value, and the values that were bound before it.
pub(super) struct Values<B, S, V> {
    before: B,
    value: V,
    sql_type: PhantomData<S>,
}

/// Texts and arrays of texts, and the values that were bound before them.
pub(super) struct Texts<B> {
    before: B,
    texts: Vec<String>,
    arrays: Vec<Vec<String>>,
}

/// Ids and ages, and the values that were bound before them.
type Ages<B> = Values<Values<B, Array<SqlUuid>, Vec<Uuid>>, Array<BigInt>, Vec<i64>>;

impl<T: Fn() -> &'static str> Statement<T> {
    pub(super) fn new(text: T) -> Self {
        const {
            assert!(
                size_of::<T>() == 0,
                "the closure must return the same text at each call"
            )
        };
        Self { text, values: () }
    }
}

impl Statement<()> {
    /// A statement whose text was built at run time. diesel finds the prepared statement by the text.
    pub(super) fn built(text: &'static str) -> Statement<impl Fn() -> &'static str> {
        Statement {
            text: move || text,
            values: (),
        }
    }
}

impl<T, B> Statement<T, B> {
    /// Binds the next values: texts, then arrays of texts.
    pub(super) fn bind_texts(self, texts: Vec<String>, arrays: Vec<Vec<String>>) -> Statement<T, Texts<B>> {
        Statement {
            text: self.text,
            values: Texts {
                before: self.values,
                texts,
                arrays,
            },
        }
    }

    /// Binds the next value.
    pub(super) fn bind<S, V>(self, value: V) -> Statement<T, Values<B, S, V>> {
        Statement {
            text: self.text,
            values: Values {
                before: self.values,
                value,
                sql_type: PhantomData,
            },
        }
    }
}

impl<T, B> Statement<T, B> {
    /// Binds two arrays of equal length: ids, and for each id an age in milliseconds.
    pub(super) fn bind_ages(self, ages: &[(Uuid, Duration)]) -> Statement<T, Ages<B>> {
        let ids = ages.iter().map(|(id, _)| *id).collect();
        let milliseconds = ages
            .iter()
            .map(|(_, age)| i64::try_from(age.as_millis()).unwrap_or(i64::MAX))
            .collect();
        self.bind(ids).bind(milliseconds)
    }
}

impl<B, S, V> QueryFragment<Pg> for Values<B, S, V>
where
    Pg: HasSqlType<S>,
    B: QueryFragment<Pg>,
    V: ToSql<S, Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.before.walk_ast(out.reborrow())?;
        out.push_bind_param::<S, V>(&self.value)
    }
}

impl<B: QueryFragment<Pg>> QueryFragment<Pg> for Texts<B> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.before.walk_ast(out.reborrow())?;
        for text in &self.texts {
            out.push_bind_param::<Text, _>(text)?;
        }
        for array in &self.arrays {
            out.push_bind_param::<Array<Text>, _>(array)?;
        }
        Ok(())
    }
}

impl<T: Fn() -> &'static str, B: QueryFragment<Pg>> QueryFragment<Pg> for Statement<T, B> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql((self.text)());
        // diesel writes a placeholder for each value that it binds. The text has placeholders already, and may repeat
        // one. So diesel's placeholders go into a comment.
        out.push_sql("\n-- ");
        self.values.walk_ast(out)
    }
}

impl<T: 'static, B> QueryId for Statement<T, B> {
    type QueryId = Statement<T>;
    // A closure that captures a text has a size, and closures of one type can have different texts.
    const HAS_STATIC_QUERY_ID: bool = size_of::<T>() == 0;
}

impl<T, B> Query for Statement<T, B> {
    type SqlType = Untyped;
}

impl<T, B> RunQueryDsl<PgConnection> for Statement<T, B> {}
