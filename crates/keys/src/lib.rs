//! `keys`: see ARCHITECTURE.md.
