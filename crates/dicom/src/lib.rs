//! Data sets with limits; DIMSE messages and state machine.
//!
//! Invariant: opens no socket and no file; nothing is allocated before a limit allowed it.
