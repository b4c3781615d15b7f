//! Where an image lies in its patient's frame of reference.

use crate::Uid;
use serde::{Deserialize, Serialize};

/// Where the frames of an image lie (PS3.3 C.7.6.2, C.7.4.1). Numbers are decimal strings as they are stored, so that a copy
/// says the same (PS3.5 §6.2, DS).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// (0020,0052).
    pub frame_of_reference: Uid,
    /// (0020,1040), mostly empty.
    pub position_reference: String,
    /// (0028,0030): millimetres between the centres of two rows, of two columns.
    pub spacing: [String; 2],
    /// (0018,0050), millimetres.
    pub thickness: Option<String>,
    /// Of each frame.
    pub planes: Vec<Plane>,
}

/// Where one frame lies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plane {
    /// (0020,0032): millimetres, of the centre of the first pixel.
    pub position: [String; 3],
    /// (0020,0037): directions of a row and of a column.
    pub orientation: [String; 6],
}
