//! Signals stay (PS3.15 Table E.1-1 has no row for Waveform Data), when their length is that of their samples and of nothing more.

use super::{each_item, items};
use crate::options::Done;
use dicom::json::tag as core;
use dicom_core::VR;
use dicom_object::InMemDicomObject;
use dicom_object::mem::InMemElement;
use model::Tag;

const WAVEFORMS: Tag = 0x5400_0100;
const DATA: Tag = 0x5400_1010;
const PADDING: Tag = 0x5400_100A;
/// Bytes of a padding value: one sample of at most 64 bits.
const SAMPLE_BYTES: usize = 8;

/// Data and padding value of each multiplex group.
pub type Signals = Vec<Vec<InMemElement>>;

/// The signals; nothing: there are none, or a value is longer or shorter than its samples.
pub fn take(object: &InMemDicomObject) -> Option<Signals> {
    let groups = items(object, WAVEFORMS);
    let signals = groups.iter().map(of_group).collect::<Option<Signals>>();
    signals.filter(|groups| !groups.is_empty())
}

fn of_group(group: &InMemDicomObject) -> Option<Vec<InMemElement>> {
    let number = |tag: Tag| group.get(core(tag)).and_then(|e| e.to_int::<u64>().ok());
    // Number of Waveform Samples and Channels, Waveform Bits Allocated (PS3.3 C.10.9).
    let bits = number(0x003A_0010)?.checked_mul(number(0x003A_0005)?)?.checked_mul(number(0x5400_1004)?)?;
    let data = binary(group, DATA)?;
    let len = |element: &InMemElement| element.value().primitive().map(|v| v.calculate_byte_len());
    if bits % 8 != 0 || len(&data)? as u64 != (bits / 8).next_multiple_of(2) {
        return None;
    }
    let padding = binary(group, PADDING).filter(|p| len(p).is_some_and(|len| len <= SAMPLE_BYTES));
    Some([Some(data), padding].into_iter().flatten().collect())
}

fn binary(group: &InMemDicomObject, tag: Tag) -> Option<InMemElement> {
    group.get(core(tag)).filter(|e| matches!(e.vr(), VR::OB | VR::OW)).cloned()
}

/// Puts them where they were; nothing: the groups are not the same any more.
pub fn give_back(object: &mut InMemDicomObject, signals: Signals) -> Option<()> {
    if items(object, WAVEFORMS).len() != signals.len() {
        return None;
    }
    let mut signals = signals.into_iter();
    each_item(object, WAVEFORMS, |group| {
        signals.next().into_iter().flatten().for_each(|e| drop(group.put(e)))
    });
    Some(())
}

/// What is said of them: the profile alone would have let them go.
pub fn told(path: &[Tag], done: Done) -> Done {
    if matches!(path, [WAVEFORMS, DATA | PADDING]) { Done::Kept } else { done }
}
