//! `crypto`: see ARCHITECTURE.md.
