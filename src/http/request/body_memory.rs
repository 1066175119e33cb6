//! Bounds the memory of bodies that are not yet parsed, and the number of bodies that are parsed at once off the
//! workers' threads.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::error::ApiError;

/// A body up to this size takes its memory from that of the small bodies.
const SMALL: usize = 16 * 1024;

/// The bytes that all small bodies may hold at once. Small bodies have memory of their own, so that large bodies that
/// never end can't use it up.
const SMALL_BODIES: usize = 8 * 1024 * 1024;

/// The bytes that all large bodies may hold at once. Sixteen JSON bodies of the largest size fit, and only two bulk
/// calls run at once.
const LARGE_BODIES: usize = 32 * 1024 * 1024;

/// The memory that the bodies of all requests of a server share, until they are parsed.
pub struct BodyMemory {
    small: Arc<Semaphore>,
    large: Arc<Semaphore>,
    /// Limits how many bodies are parsed at once off the workers' threads, so that the other processors serve requests.
    turns: Arc<Semaphore>,
}

/// The memory of one body. Dropping it frees the memory for others.
#[derive(Default)]
pub struct HeldMemory {
    small: Option<OwnedSemaphorePermit>,
    large: Option<OwnedSemaphorePermit>,
}

impl BodyMemory {
    /// For a server with this number of workers, one per processor.
    pub fn new(workers: usize) -> Self {
        Self {
            small: Arc::new(Semaphore::new(SMALL_BODIES)),
            large: Arc::new(Semaphore::new(LARGE_BODIES)),
            turns: Arc::new(Semaphore::new((workers / 2).max(1))),
        }
    }

    /// Enlarges the memory of a body to `size` bytes.
    ///
    /// # Errors
    /// [`ApiError::Busy`] if the bodies of other requests hold the rest.
    pub fn hold(&self, held: &mut HeldMemory, size: usize) -> Result<(), ApiError> {
        if size <= SMALL {
            return grow(&mut held.small, &self.small, size);
        }
        held.small = None;
        grow(&mut held.large, &self.large, size)
    }

    /// Waits for a permit to parse a body off the worker's thread.
    ///
    /// # Errors
    /// Never: the semaphore is not closed.
    pub async fn take_turn(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        let turn = self.turns.clone().acquire_owned().await;
        turn.map_err(|closed| ApiError::Internal(Box::new(closed)))
    }
}

fn grow(permit: &mut Option<OwnedSemaphorePermit>, all: &Arc<Semaphore>, size: usize) -> Result<(), ApiError> {
    let held = permit.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
    let missing = u32::try_from(size.saturating_sub(held)).map_err(|_| ApiError::Busy)?;
    let more = all
        .clone()
        .try_acquire_many_owned(missing)
        .map_err(|_| ApiError::Busy)?;
    match permit {
        Some(permit) => permit.merge(more),
        None => *permit = Some(more),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_bodies_get_at_most_their_share_and_refuse_no_small_one() {
        let memory = BodyMemory::new(2);
        let body = 2 * 1024 * 1024;
        let mut large: Vec<HeldMemory> = Vec::new();
        loop {
            let mut held = HeldMemory::default();
            for size in [SMALL, SMALL + 1, body] {
                if memory.hold(&mut held, size).is_err() {
                    assert_eq!(large.len(), LARGE_BODIES / body);
                    let mut small = HeldMemory::default();
                    assert!(memory.hold(&mut small, SMALL).is_ok());
                    large.pop();
                    assert!(memory.hold(&mut held, body).is_ok(), "a parsed body frees its memory");
                    return;
                }
            }
            large.push(held);
        }
    }

    #[test]
    fn small_bodies_get_at_most_their_share() {
        let memory = BodyMemory::new(2);
        let small: Vec<HeldMemory> = (0..SMALL_BODIES / SMALL)
            .map(|_| {
                let mut held = HeldMemory::default();
                assert!(memory.hold(&mut held, SMALL).is_ok());
                held
            })
            .collect();
        assert!(memory.hold(&mut HeldMemory::default(), 1).is_err());
        drop(small);
        assert!(memory.hold(&mut HeldMemory::default(), 1).is_ok());
    }
}
