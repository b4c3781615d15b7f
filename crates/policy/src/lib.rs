//! `policy`: see ARCHITECTURE.md.
