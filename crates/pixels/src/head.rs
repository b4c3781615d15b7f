//! The header into what may leave.

use crate::{Error, Result};
use port::Outcome;
use port::pixels::HeadLease;

/// Carries out a head lease.
///
/// # Errors
/// Not built yet.
pub fn head(_lease: &HeadLease, _stored_head: &[u8]) -> Result<(Outcome, Vec<u8>)> {
    Err(Error::Unsupported("turning a header into another"))
}
