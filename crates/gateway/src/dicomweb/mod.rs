//! DICOMweb (PS3.18).

mod capabilities;
mod fetch;
mod find;
pub mod stow;
mod uri;
mod wado;

pub use capabilities::capabilities;
pub use fetch::WebPartner;
pub use find::{find_instances, find_series, find_studies};
pub use stow::{Fed, Outcome, dimse_status, store};
pub use uri::uri;
pub use wado::{bulk, frames, instances, metadata, rendered, thumbnail};

#[cfg(test)]
pub use stow::fuzzed;
#[cfg(test)]
pub use wado::fuzzed_headers;

use model::Uid;

/// The path of a resource, for Retrieve URL and Content-Location.
fn resource(study: &str, series: Option<&str>, instance: Option<&str>) -> String {
    let mut out = format!("/dicom-web/studies/{study}");
    if let Some(series) = series {
        out.push_str("/series/");
        out.push_str(series);
        if let Some(instance) = instance {
            out.push_str("/instances/");
            out.push_str(instance);
        }
    }
    out
}

/// The path of one instance.
fn instance_path(study: &Uid, series: &Uid, instance: &Uid) -> String {
    resource(study.as_str(), Some(series.as_str()), Some(instance.as_str()))
}
