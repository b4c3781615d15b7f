//! `dicom`: see ARCHITECTURE.md.
