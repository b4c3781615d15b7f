//! Options of the confidentiality profile (PS3.15 E.3) and what a de-identification tells of each attribute.

use model::Tag;
use std::fmt;
use std::str::FromStr;

/// One option (PS3.15 E.3.1 to E.3.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProfileOption {
    /// E.3.1. Declared here, done by whoever masks the pixels.
    CleanPixelData,
    /// E.3.2. Declared here, done by whoever masks the pixels.
    CleanVisualFeatures,
    /// E.3.3.
    CleanGraphics,
    /// E.3.4.
    CleanStructuredContent,
    /// E.3.5.
    CleanDescriptors,
    /// E.3.6: dates and times stay as they are.
    RetainFullDates,
    /// E.3.6: dates are moved by a number of days that is the patient's in this project.
    RetainModifiedDates,
    /// E.3.7.
    RetainPatientCharacteristics,
    /// E.3.8.
    RetainDeviceIdentity,
    /// E.3.9.
    RetainUids,
    /// E.3.10.
    RetainSafePrivate,
    /// E.3.11.
    RetainInstitutionIdentity,
}

impl ProfileOption {
    /// All, in the order of their codes.
    pub const ALL: [Self; 12] = [
        Self::CleanPixelData,
        Self::CleanVisualFeatures,
        Self::CleanGraphics,
        Self::CleanStructuredContent,
        Self::CleanDescriptors,
        Self::RetainFullDates,
        Self::RetainModifiedDates,
        Self::RetainPatientCharacteristics,
        Self::RetainDeviceIdentity,
        Self::RetainUids,
        Self::RetainSafePrivate,
        Self::RetainInstitutionIdentity,
    ];

    /// As it is written in commands and requests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CleanPixelData => "clean-pixel-data",
            Self::CleanVisualFeatures => "clean-recognizable-visual-features",
            Self::CleanGraphics => "clean-graphics",
            Self::CleanStructuredContent => "clean-structured-content",
            Self::CleanDescriptors => "clean-descriptors",
            Self::RetainFullDates => "retain-full-dates",
            Self::RetainModifiedDates => "retain-modified-dates",
            Self::RetainPatientCharacteristics => "retain-patient-characteristics",
            Self::RetainDeviceIdentity => "retain-device-identity",
            Self::RetainUids => "retain-uids",
            Self::RetainSafePrivate => "retain-safe-private",
            Self::RetainInstitutionIdentity => "retain-institution-identity",
        }
    }

    /// Code value and meaning in scheme DCM (PS3.16 CID 7050).
    #[must_use]
    pub const fn code(self) -> (&'static str, &'static str) {
        match self {
            Self::CleanPixelData => ("113101", "Clean Pixel Data Option"),
            Self::CleanVisualFeatures => ("113102", "Clean Recognizable Visual Features Option"),
            Self::CleanGraphics => ("113103", "Clean Graphics Option"),
            Self::CleanStructuredContent => ("113104", "Clean Structured Content Option"),
            Self::CleanDescriptors => ("113105", "Clean Descriptors Option"),
            Self::RetainFullDates => ("113106", "Retain Longitudinal Temporal Information Full Dates Option"),
            Self::RetainModifiedDates => {
                ("113107", "Retain Longitudinal Temporal Information Modified Dates Option")
            }
            Self::RetainPatientCharacteristics => ("113108", "Retain Patient Characteristics Option"),
            Self::RetainDeviceIdentity => ("113109", "Retain Device Identity Option"),
            Self::RetainUids => ("113110", "Retain UIDs Option"),
            Self::RetainSafePrivate => ("113111", "Retain Safe Private Option"),
            Self::RetainInstitutionIdentity => ("113112", "Retain Institution Identity Option"),
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl fmt::Display for ProfileOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ProfileOption {
    type Err = OptionsError;

    fn from_str(text: &str) -> Result<Self, OptionsError> {
        let found = Self::ALL.into_iter().find(|option| option.name() == text);
        found.ok_or_else(|| OptionsError::Unknown(text.to_owned()))
    }
}

/// Why options are none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// No option has this name.
    #[error("no option of the confidentiality profile: `{0}`")]
    Unknown(String),
    /// PS3.15 E.3.6: dates are kept or moved, not both.
    #[error("`{0}` and `{1}` contradict each other")]
    Contradiction(ProfileOption, ProfileOption),
}

/// Options that go together, beside the basic profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Options(u16);

impl Options {
    /// The basic profile without options.
    #[must_use]
    pub const fn basic() -> Self {
        Self(0)
    }

    /// With one more.
    ///
    /// # Errors
    /// [`OptionsError::Contradiction`] when it cannot go with one that is there.
    pub fn with(self, option: ProfileOption) -> Result<Self, OptionsError> {
        let opposite = match option {
            ProfileOption::RetainFullDates => Some(ProfileOption::RetainModifiedDates),
            ProfileOption::RetainModifiedDates => Some(ProfileOption::RetainFullDates),
            _ => None,
        };
        match opposite.filter(|other| self.has(*other)) {
            Some(other) => Err(OptionsError::Contradiction(other, option)),
            None => Ok(Self(self.0 | option.bit())),
        }
    }

    /// Of some, in any order.
    ///
    /// # Errors
    /// As [`Self::with`].
    pub fn of(options: impl IntoIterator<Item = ProfileOption>) -> Result<Self, OptionsError> {
        options.into_iter().try_fold(Self::basic(), Self::with)
    }

    /// Of names; none is the basic profile.
    ///
    /// # Errors
    /// As [`Self::with`], and [`OptionsError::Unknown`].
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, OptionsError> {
        names.into_iter().try_fold(Self::basic(), |all, name| all.with(name.parse()?))
    }

    /// It is one of them.
    #[must_use]
    pub const fn has(self, option: ProfileOption) -> bool {
        self.0 & option.bit() != 0
    }

    /// Each of them, in the order of their codes.
    pub fn iter(self) -> impl Iterator<Item = ProfileOption> {
        ProfileOption::ALL.into_iter().filter(move |option| self.has(*option))
    }
}

/// What became of one attribute. No value is ever told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Done {
    /// Its value is what it was; of a sequence: it stays, its items are told one by one.
    Kept,
    /// It is gone, a sequence with all that was in it.
    Removed,
    /// It is there without a value.
    Emptied,
    /// A dummy stands in its place.
    Replaced,
    /// What could identify somebody was taken out of its value, or its date was moved.
    Cleaned,
    /// It has other UIDs, the same for the same ones.
    Uid,
}

impl Done {
    /// As reports write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Removed => "removed",
            Self::Emptied => "emptied",
            Self::Replaced => "replaced",
            Self::Cleaned => "cleaned",
            Self::Uid => "uid",
        }
    }
}

/// Told of each attribute as it is dealt with: the tags of the sequences that it is in, outermost first, and its own at the
/// end; and what was done.
pub type Sink<'a> = dyn FnMut(&[Tag], Done) + 'a;

#[cfg(test)]
mod tests;
