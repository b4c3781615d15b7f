//! `port`: see ARCHITECTURE.md.
