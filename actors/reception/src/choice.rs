//! What a patient can touch.

use std::str::FromStr;

macro_rules! choices {
    ($($(#[doc = $doc:literal])+ $choice:ident = $id:literal,)*) => {
        /// Something to touch. The ids are stable: scripts and makers rely on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Choice {
            $($(#[doc = $doc])+ $choice,)*
        }

        impl Choice {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$choice,)*];

            /// The id on the device link.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$choice => $id,)* }
            }
        }
    };
}

choices! {
    /// 「スマートフォンを利用する」
    UsePhone = "use_phone",
    /// 「マイナンバーカードを利用する」
    UseCard = "use_card",
    /// An iPhone.
    Iphone = "iphone",
    /// An Android phone.
    Android = "android",
    /// The camera.
    Face = "face",
    /// The PIN.
    Pin = "pin",
    /// Done on the phone, go on.
    Continue = "continue",
    /// Try again.
    Retry = "retry",
    /// Use what was held instead of what was chosen.
    Switch = "switch",
    /// Yes.
    Yes = "yes",
    /// No.
    No = "no",
    /// Consent to all.
    AgreeAll = "agree_all",
    /// Consent to none.
    AgreeNone = "agree_none",
    /// Be asked one by one.
    AgreeEach = "agree_each",
    /// One screen back.
    Back = "back",
    /// End the visit.
    Cancel = "cancel",
    /// Read and done.
    Finish = "finish",
    /// The next language.
    Language = "language",
}

/// No choice has this id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such choice")]
pub struct UnknownChoice;

impl FromStr for Choice {
    type Err = UnknownChoice;
    fn from_str(id: &str) -> Result<Self, UnknownChoice> {
        Self::ALL.iter().copied().find(|choice| choice.id() == id).ok_or(UnknownChoice)
    }
}
