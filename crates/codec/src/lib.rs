//! Pixel decode and encode, one file per transfer syntax family.
//!
//! Invariant: nothing is decoded or allocated before its size was compared with a limit.
