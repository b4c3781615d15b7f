//! `gateway`: see ARCHITECTURE.md.
