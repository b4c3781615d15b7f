//! `ledger`: see ARCHITECTURE.md.
