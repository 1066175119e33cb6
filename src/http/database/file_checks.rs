//! Checks of files: one at a time, on a connection of its own.
//!
//! A check of a file takes longer than any deadline of a lane: 100,000 rows against a million contacts take 15 to 20 s.
//! It also needs temporary tables, which the statements of the lanes do not.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::http::error::ApiError;
use crate::http::settings::Settings;
use crate::store::connection::connect_for_transaction;
use crate::store::{PgConnection, StoreError};

/// How long a check waits for the one before it.
const WAIT: Duration = Duration::from_secs(3);

/// The most files that are uploaded at once. Each is in memory, up to [`FILE_MAX`](crate::http::request::limits::FILE_MAX).
const UPLOADS: usize = 4;

/// The longest time of one statement of a check.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(60);

/// The checks of files of a server.
pub struct FileChecks {
    permits: Arc<Semaphore>,
    uploads: Arc<Semaphore>,
    database_url: String,
    is_pooled: bool,
}

impl FileChecks {
    pub fn new(settings: &Settings) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(1)),
            uploads: Arc::new(Semaphore::new(UPLOADS)),
            database_url: settings.database_url.clone(),
            is_pooled: settings.is_pooled,
        }
    }

    /// Waits for the permit to check a file. The check must hold it until it ends.
    ///
    /// # Errors
    /// [`ApiError::Busy`] if another check holds it for longer than three seconds.
    pub async fn take_permit(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        take(&self.permits).await
    }

    /// Waits for a permit to upload a file. The permits bound the memory of uploads.
    ///
    /// # Errors
    /// [`ApiError::Busy`] if no upload ends within three seconds.
    pub async fn take_upload_permit(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        take(&self.uploads).await
    }

    /// Returns what opens the connection of a check; blocks the thread.
    pub fn connector(&self) -> impl FnOnce() -> Result<PgConnection, StoreError> + Send + 'static {
        let (url, is_pooled) = (self.database_url.clone(), self.is_pooled);
        move || connect_for_transaction(&url, is_pooled, STATEMENT_TIMEOUT)
    }
}

async fn take(permits: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, ApiError> {
    timeout(WAIT, permits.clone().acquire_owned())
        .await
        .map_err(|_| ApiError::Busy)?
        .map_err(|closed| ApiError::Internal(Box::new(closed)))
}
