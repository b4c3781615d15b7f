//! `pixels`: see ARCHITECTURE.md.
