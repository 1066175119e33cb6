//! Random text for keys and webhook tokens.

use rand::distr::Alphanumeric;
use rand::rngs::{ChaCha20Rng, SysRng};
use rand::{RngExt, SeedableRng};

/// The operating system has no random bytes.
pub use rand::rngs::SysError as RandomError;

/// Returns `length` random letters and digits: 62 characters, 5.95 bits each.
///
/// A ChaCha20 generator, seeded with 256 bits from the operating system, picks them.
///
/// # Errors
/// [`RandomError`] if the operating system has no random bytes.
pub(super) fn random_text(length: usize) -> Result<String, RandomError> {
    let random = ChaCha20Rng::try_from_rng(&mut SysRng)?;
    Ok(random.sample_iter(Alphanumeric).take(length).map(char::from).collect())
}
