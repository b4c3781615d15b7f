//! `archive`: see ARCHITECTURE.md.
