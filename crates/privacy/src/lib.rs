//! `privacy`: see ARCHITECTURE.md.
