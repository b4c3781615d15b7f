//! The binary as a person or a script meets it: texts, exit statuses, files. Each test has a folder of its own.

mod archive;
mod batch;
mod home;
mod run;
mod usage;
