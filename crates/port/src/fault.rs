//! Why a call failed: a stable word that may leave the house, and never internal text.

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($( $(#[$doc:meta])* $variant:ident = $text:literal ),+ $(,)?) => {
        /// Stable words for causes; doors map them to HTTP and DIMSE statuses, pages to a person's language.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Code { $( $(#[$doc])* $variant ),+ }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Self] = &[ $( Self::$variant ),+ ];

            /// The word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $text ),+ }
            }
        }
    };
}

codes! {
    /// No session, token or certificate that is known here.
    NotSignedIn = "not-signed-in",
    /// Wrong user or password; which of both is not said.
    SignInFailed = "sign-in-failed",
    /// Too many attempts; `retry_after_s` says when.
    SlowDown = "slow-down",
    /// Unknown, or forbidden to somebody who may not know (DESIGN.md §2.8).
    NotFound = "not-found",
    /// Known to the caller, and not his to do.
    NotAllowed = "not-allowed",
    /// May go on after giving a reason.
    ReasonNeeded = "reason-needed",
    /// May go on with a code of a second factor; the account may have none.
    SecondFactorNeeded = "second-factor-needed",
    /// That code is wrong, or was used before.
    SecondFactorFailed = "second-factor-failed",
    /// The token or viewing set ended, was revoked or superseded; open the study anew.
    OpenAnew = "open-anew",
    /// What was asked makes no sense; nothing was changed.
    BadRequest = "bad-request",
    /// Somebody else changed it first.
    VersionConflict = "version-conflict",
    /// Above a named limit.
    TooLarge = "too-large",
    /// Not built yet, or not possible for this object; never answered unmasked instead.
    Unsupported = "unsupported",
    /// The object's facts contradict each other or its bytes.
    BadObject = "bad-object",
    /// The disk holds no more objects; reading goes on.
    StorageFull = "storage-full",
    /// Starting, stopping or overloaded.
    Unavailable = "unavailable",
    /// The other end of a stream went away before its end.
    Cut = "cut",
    /// Messages of another version.
    WrongVersion = "wrong-version",
    /// Our fault; the log knows more under the request's id.
    Internal = "internal",
}

/// A failed call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}", code.as_str())]
pub struct Fault {
    /// The cause.
    pub code: Code,
    /// Seconds after which another attempt makes sense.
    pub retry_after_s: Option<u32>,
}

impl From<Code> for Fault {
    fn from(code: Code) -> Self {
        Self { code, retry_after_s: None }
    }
}
