//! Reads records from the database while other threads prepare and judge the records before.

use std::panic::resume_unwind;
use std::thread::{self, ScopedJoinHandle};

use diesel::PgConnection;

/// Passes batches through three stages, each batch in its order. This thread reads a batch while another thread
/// prepares the batch before, and a third one works on the batch before that.
pub(super) fn overlap<T: Send, P: Send, E>(
    connection: &mut PgConnection,
    mut read: impl FnMut(&mut PgConnection) -> Result<Option<T>, E>,
    prepare: impl Fn(T) -> P + Sync,
    mut work: impl FnMut(P) + Send,
) -> Result<(), E> {
    let mut batch = read(connection)?;
    let mut prepared = None;
    while batch.is_some() || prepared.is_some() {
        let (next_prepared, next) = thread::scope(|scope| {
            let worker = prepared.take().map(|prepared| scope.spawn(|| work(prepared)));
            let preparing = batch.take().map(|batch| scope.spawn(|| prepare(batch)));
            // After the last batch the cursor is closed.
            let next = match preparing {
                Some(_) => read(connection),
                None => Ok(None),
            };
            worker.map(join);
            (preparing.map(join), next)
        });
        prepared = next_prepared;
        batch = next?;
    }
    Ok(())
}

fn join<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}
