//! Sealed objects, ladder, tokens, signing.
//!
//! Invariant: knows nothing of DICOM, network, clock or files; randomness is an argument.
