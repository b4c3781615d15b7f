//! Golden films and tables follow.
