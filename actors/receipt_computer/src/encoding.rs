//! The two encodings of the receipt computer's files, and what is lost in Shift_JIS.
//!
//! Shift_JIS here is the one receipt computers mean: Microsoft's code page 932, with 髙 and 﨑 in it. A character it
//! lacks is written as ● and returned as a [`Loss`], because garbled ● is the complaint that users make most. Seven
//! characters that Unicode and code page 932 merely number differently (〜 and ～, for one) are the same character of
//! JIS X 0208 and are carried over without loss.

use encoding_rs::{Encoding as Codec, SHIFT_JIS, UTF_8};
use serde::Deserialize;
use thiserror::Error;

use crate::xml::{MAX_BYTES, Node, write};

/// What stands for a character that Shift_JIS lacks.
pub const REPLACEMENT: char = '●';

/// The encoding of a file: `CharacterCodeIdentifier` and the prolog's `encoding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum Encoding {
    /// `CharacterCodeIdentifier` 0.
    #[serde(rename = "UTF-8")]
    Utf8,
    /// `CharacterCodeIdentifier` 1, the default.
    #[default]
    #[serde(rename = "Shift_JIS")]
    ShiftJis,
}

impl Encoding {
    /// The value of `CharacterCodeIdentifier`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Utf8 => "0",
            Self::ShiftJis => "1",
        }
    }

    /// The encoding of a `CharacterCodeIdentifier`.
    pub fn from_code(code: &str) -> Option<Self> {
        match code {
            "0" => Some(Self::Utf8),
            "1" => Some(Self::ShiftJis),
            _ => None,
        }
    }

    /// The name in the prolog.
    pub fn label(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::ShiftJis => "Shift_JIS",
        }
    }

    /// The encoding that a prolog names, in any spelling of the WHATWG list (`MS932`, `windows-31j`, `sjis`, …).
    pub fn from_label(label: &str) -> Option<Self> {
        match Codec::for_label(label.as_bytes()) {
            Some(codec) if codec == SHIFT_JIS => Some(Self::ShiftJis),
            Some(codec) if codec == UTF_8 => Some(Self::Utf8),
            _ if label.eq_ignore_ascii_case("cp932") => Some(Self::ShiftJis),
            _ => None,
        }
    }
}

/// One character that could not be written. It names no person: the element, where in it, and which character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// The element's name, such as `Name`.
    pub element: String,
    /// Which character of the element's text, the first being 1.
    pub position: u32,
    /// The Unicode code point that is missing.
    pub code_point: u32,
}

/// Why a file could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// More than [`MAX_BYTES`].
    #[error("the file is larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// The prolog names an encoding other than Shift_JIS and UTF-8.
    #[error("the prolog names an encoding other than Shift_JIS and UTF-8")]
    UnknownEncoding,
    /// The prolog says Shift_JIS but the file begins with UTF-8's byte order mark.
    #[error("the prolog says Shift_JIS but the file begins with the byte order mark of UTF-8")]
    Contradiction,
    /// A byte sequence that is not of the encoding.
    #[error("the file is not valid {}", .0.label())]
    Invalid(Encoding),
}

/// Decodes a file strictly, by what its prolog says. Without a prolog XML's own default holds, UTF-8.
///
/// # Errors
/// [`DecodeError`]: nothing is ever replaced or skipped on the way in, since a digit misread is another person.
pub fn decode(file: &[u8]) -> Result<(String, Encoding), DecodeError> {
    if file.len() > MAX_BYTES {
        return Err(DecodeError::TooLarge);
    }
    let bom = file.starts_with(b"\xEF\xBB\xBF");
    let body = if bom { &file[3..] } else { file };
    let encoding = match declared(body) {
        None => Encoding::Utf8,
        Some(label) => Encoding::from_label(&label).ok_or(DecodeError::UnknownEncoding)?,
    };
    if bom && encoding == Encoding::ShiftJis {
        return Err(DecodeError::Contradiction);
    }
    let codec = match encoding {
        Encoding::Utf8 => UTF_8,
        Encoding::ShiftJis => SHIFT_JIS,
    };
    let text = codec
        .decode_without_bom_handling_and_without_replacement(body)
        .ok_or(DecodeError::Invalid(encoding))?;
    Ok((text.into_owned(), encoding))
}

/// The `encoding` of the prolog, which is ASCII in both encodings; looked for in the first 256 bytes.
fn declared(file: &[u8]) -> Option<String> {
    let head = &file[..file.len().min(256)];
    let head = head.strip_prefix(b"<?xml")?;
    let end = head.windows(2).position(|pair| pair == b"?>")?;
    let prolog = std::str::from_utf8(&head[..end]).ok()?;
    let after = prolog.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    after[1..].split_once(quote).map(|(label, _)| label.to_owned())
}

/// Encodes a document. In UTF-8 nothing is lost.
pub fn encode(mut root: Node, encoding: Encoding) -> (Vec<u8>, Vec<Loss>) {
    let mut losses = Vec::new();
    if encoding == Encoding::ShiftJis {
        fit(&mut root, &mut losses);
    }
    let document = write(&root, encoding.label());
    let bytes = match encoding {
        Encoding::Utf8 => document.into_bytes(),
        Encoding::ShiftJis => SHIFT_JIS.encode(&document).0.into_owned(),
    };
    (bytes, losses)
}

fn fit(node: &mut Node, losses: &mut Vec<Loss>) {
    if !node.text.is_empty() {
        let mut fitted = String::with_capacity(node.text.len());
        for (position, c) in (1..).zip(node.text.chars()) {
            match in_shift_jis(c) {
                Some(c) => fitted.push(c),
                None => {
                    fitted.push(REPLACEMENT);
                    losses.push(Loss { element: node.name.clone(), position, code_point: u32::from(c) });
                }
            }
        }
        node.text = fitted;
    }
    for child in &mut node.children {
        fit(child, losses);
    }
}

/// The character as code page 932 has it, or `None` when it has none.
///
/// Without the second table below the encoder would turn `¥` into a backslash and `‾` into a tilde without a word.
fn in_shift_jis(c: char) -> Option<char> {
    let same = match c {
        // JIS X 0208 characters that code page 932 maps to another code point than Unicode's own table does.
        '\u{301C}' => '\u{FF5E}', // wave dash 〜
        '\u{2212}' => '\u{FF0D}', // minus sign −
        '\u{2014}' => '\u{2015}', // em dash —
        '\u{2016}' => '\u{2225}', // double vertical line ‖
        '\u{00A2}' => '\u{FFE0}', // cent sign
        '\u{00A3}' => '\u{FFE1}', // pound sign
        '\u{00AC}' => '\u{FFE2}', // not sign
        // Characters of JIS X 0201 whose byte code page 932 reads as ASCII: written full-width.
        '\u{00A5}' => '\u{FFE5}', // yen sign
        '\u{203E}' => '\u{FFE3}', // overline
        other => other,
    };
    let mut utf8 = [0; 4];
    let (_, _, unmappable) = SHIFT_JIS.encode(same.encode_utf8(&mut utf8));
    (!unmappable).then_some(same)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::parse;

    fn roundtrip(text: &str, encoding: Encoding) -> (String, Vec<Loss>) {
        let (bytes, losses) = encode(Node::branch("r", vec![Node::leaf("Name", text)]), encoding);
        let (document, read_as) = decode(&bytes).unwrap();
        assert_eq!(read_as, encoding);
        (parse(&document).unwrap().child("Name").unwrap().text.clone(), losses)
    }

    #[test]
    fn code_page_932_has_the_names_that_plain_shift_jis_lacks() {
        for name in ["髙橋　﨑子", "渡邉", "ﾏﾄﾞｸﾞﾁ ﾀﾛｳ", "①Ⅳ㈱"] {
            assert_eq!(roundtrip(name, Encoding::ShiftJis), (name.to_owned(), vec![]));
        }
    }

    #[test]
    fn a_character_that_shift_jis_lacks_becomes_a_bullet_and_is_reported() {
        let (text, losses) = roundtrip("𠮷野𩸽", Encoding::ShiftJis);
        assert_eq!(text, "●野●");
        let loss = |position, code_point| Loss { element: "Name".into(), position, code_point };
        assert_eq!(losses, [loss(1, 0x20BB7), loss(3, 0x29E3D)]);
        assert_eq!(roundtrip("𠮷野𩸽", Encoding::Utf8), ("𠮷野𩸽".to_owned(), vec![]));
    }

    #[test]
    fn characters_numbered_differently_are_carried_over_without_loss() {
        let (text, losses) = roundtrip("1〜2−3—4‖¥5", Encoding::ShiftJis);
        assert_eq!((text.as_str(), losses.len()), ("1～2－3―4∥￥5", 0));
    }

    #[test]
    fn decoding_is_strict_in_both_encodings() {
        let with = |label: &str, body: &[u8]| {
            let mut file = format!("<?xml version=\"1.0\" encoding=\"{label}\"?><a>").into_bytes();
            file.extend_from_slice(body);
            file.extend_from_slice(b"</a>");
            decode(&file).map(|(_, encoding)| encoding)
        };
        assert_eq!(with("Shift_JIS", b"\x91\x9B"), Ok(Encoding::ShiftJis));
        assert_eq!(with("windows-31j", b"\xFB\xFC"), Ok(Encoding::ShiftJis));
        assert_eq!(with("cp932", b"\xFB\xFC"), Ok(Encoding::ShiftJis));
        assert_eq!(with("utf-8", "髙".as_bytes()), Ok(Encoding::Utf8));
        assert_eq!(with("Shift_JIS", b"\x91"), Err(DecodeError::Invalid(Encoding::ShiftJis)));
        assert_eq!(with("UTF-8", b"\x91\x9B"), Err(DecodeError::Invalid(Encoding::Utf8)));
        assert_eq!(with("EUC-JP", b"x"), Err(DecodeError::UnknownEncoding));
        assert_eq!(decode(b"<a>x</a>"), Ok(("<a>x</a>".into(), Encoding::Utf8)));
        assert_eq!(decode(b"\xEF\xBB\xBF<a/>"), Ok(("<a/>".into(), Encoding::Utf8)));
        assert_eq!(
            decode(b"\xEF\xBB\xBF<?xml version='1.0' encoding='Shift_JIS'?><a/>"),
            Err(DecodeError::Contradiction)
        );
        assert_eq!(decode(&vec![b' '; MAX_BYTES + 1]), Err(DecodeError::TooLarge));
    }
}
