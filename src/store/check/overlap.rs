//! Reads batches from the database while another thread works on the batch before.

use std::panic::resume_unwind;
use std::thread;

use diesel::PgConnection;

/// Reads batches until there is none. Works on each batch in another thread, while this thread reads the next one, and
/// passes each result to `take` in the order of the batches. PostgreSQL and the program keep a processor busy each.
pub(super) fn overlap<T: Send, R: Send, E>(
    connection: &mut PgConnection,
    mut read: impl FnMut(&mut PgConnection) -> Result<Option<T>, E>,
    mut work: impl FnMut(T) -> R + Send,
    mut take: impl FnMut(&mut PgConnection, R) -> Result<(), E>,
) -> Result<(), E> {
    let mut batch = read(connection)?;
    while let Some(current) = batch {
        let (result, next) = thread::scope(|scope| {
            let worker = scope.spawn(|| work(current));
            let next = read(connection);
            (worker.join().unwrap_or_else(|panic| resume_unwind(panic)), next)
        });
        take(connection, result)?;
        batch = next?;
    }
    Ok(())
}
