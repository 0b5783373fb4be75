//! Finding canaries in whatever a program wrote.
//!
//! Four digits occur by chance: in counts, ports, times, identifiers and random bytes. So every canary PIN begins
//! with a zero, as no number that is printed does, and counts as found only where something could have written it
//! as a value: standing alone in a text, apart from identifiers and fractions of seconds, or in one of the forms
//! that programs give to strings and bytes (JSON, CBOR, `Debug`, hexadecimal, Base64). In random bytes each of
//! those has a chance of 2⁻³² or less at each place. The canary of a patient is long enough to be looked for as it
//! is, in each encoding that the gateway speaks.

/// What is looked for.
pub struct Canary {
    name: String,
    /// How a program may have written it, to be found anywhere.
    forms: Vec<Vec<u8>>,
    /// The digits, where it is a PIN.
    pin: Option<&'static str>,
}

impl Canary {
    /// Four digits.
    pub fn pin(digits: &'static str) -> Self {
        Self { name: format!("the PIN {digits}"), forms: Vec::new(), pin: Some(digits) }
    }

    /// A text of a patient's.
    pub fn text(text: &str) -> Self {
        Self { name: format!("{text:?}"), forms: text_forms(text), pin: None }
    }

    /// The serial number of a patient's certificate.
    pub fn serial(bytes: &[u8]) -> Self {
        Self { name: "the serial number".into(), forms: byte_forms(bytes), pin: None }
    }

    /// Whether it is a PIN.
    pub fn is_pin(&self) -> bool {
        self.pin.is_some()
    }

    /// Where it is in `bytes`, with what is around it.
    pub fn find(&self, bytes: &[u8]) -> Option<String> {
        let at = match self.pin {
            Some(digits) => find_pin(digits, bytes),
            None => self.forms.iter().find_map(|form| position(bytes, form, 0)),
        }?;
        let around = &bytes[at.saturating_sub(120)..bytes.len().min(at + 120)];
        Some(format!("{} in …{}…", self.name, String::from_utf8_lossy(around)))
    }
}

fn position(bytes: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    memchr::memmem::find(bytes.get(from..)?, wanted).map(|at| from + at)
}

/// A text as programs write it.
fn text_forms(text: &str) -> Vec<Vec<u8>> {
    let (shift_jis, _, lossy) = encoding_rs::SHIFT_JIS.encode(text);
    assert!(!lossy, "{text}: a canary must exist in Shift_JIS");
    let utf_16 = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut forms = byte_forms(text.as_bytes());
    forms.extend(byte_forms(&shift_jis));
    forms.push(utf_16);
    forms.push(text.escape_unicode().to_string().into_bytes());
    // JSON, where it is kept to ASCII.
    forms.push(text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect::<String>().into_bytes());
    forms
}

/// Bytes as programs write them: as they are, escaped, as hexadecimal digits, as lists of numbers, as Base64.
fn byte_forms(bytes: &[u8]) -> Vec<Vec<u8>> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let list = |separator: &str| bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(separator);
    let mut forms: Vec<Vec<u8>> =
        [bytes.escape_ascii().to_string(), hex.to_uppercase(), hex, list(", "), list(",")]
            .into_iter()
            .map(String::into_bytes)
            .collect();
    forms.push(bytes.to_vec());
    forms.extend(base64_cores(bytes));
    forms
}

/// What is the same in each Base64 text that holds `bytes`, for each of the three ways they can fall on its groups.
fn base64_cores(bytes: &[u8]) -> Vec<Vec<u8>> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    (0..3)
        .map(|shift| {
            let bits: Vec<bool> =
                bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)).collect();
            // Letters that also hold bits of the neighbours are left out.
            let skipped = (6 - shift * 8 % 6) % 6;
            let whole = bits[skipped..].chunks_exact(6);
            whole.map(|six| LETTERS[six.iter().fold(0, |sum, bit| sum * 2 + usize::from(*bit))]).collect()
        })
        .filter(|core: &Vec<u8>| core.len() >= 6)
        .collect()
}

fn find_pin(digits: &str, bytes: &[u8]) -> Option<usize> {
    let values: Vec<u8> = digits.bytes().map(|digit| digit - b'0').collect();
    let list = |numbers: &[u8], separator: &str| {
        numbers.iter().map(u8::to_string).collect::<Vec<_>>().join(separator).into_bytes()
    };
    // CBOR: a text, bytes, an array of the digits, an array of the characters.
    let characters = digits.bytes().flat_map(|digit| [0x18, digit]);
    let exact = [
        [b"\x64", digits.as_bytes()].concat(),
        [b"\x44", digits.as_bytes()].concat(),
        [b"\x84", values.as_slice()].concat(),
        std::iter::once(0x84).chain(characters).collect(),
        digits.bytes().map(|digit| format!("{digit:x}")).collect::<String>().into_bytes(),
    ];
    let texts = std::str::from_utf8(bytes).is_ok();
    // In a text, `d0739` is but the beginning of a hexadecimal number.
    let (in_binary, anywhere) = exact.split_at(4);
    let binary = in_binary.iter().filter(|_| !texts).find_map(|form| position(bytes, form, 0));
    let listed = [
        list(&values, ", "),
        list(&values, ","),
        list(digits.as_bytes(), ", "),
        list(digits.as_bytes(), ","),
    ];
    binary
        .or_else(|| anywhere.iter().find_map(|form| position(bytes, form, 0)))
        .or_else(|| listed.iter().find_map(|form| alone(bytes, form)))
        .or_else(|| alone(bytes, digits.as_bytes()))
}

/// Where `wanted` stands alone: no letter or digit beside it, no part of an identifier, no fraction.
fn alone(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = position(bytes, wanted, from) {
        let before = |distance: usize| at.checked_sub(distance).map(|place| bytes[place]);
        let beside = [before(1), bytes.get(at + wanted.len()).copied()];
        let touched = beside.into_iter().flatten().any(|byte| byte.is_ascii_alphanumeric());
        let fraction = before(1) == Some(b'.') && before(2).is_some_and(|byte| byte.is_ascii_digit());
        if !touched && !fraction && !within_identifier(bytes, at) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

/// Whether the place is in a UUID: 8, 4, 4, 4 and 12 hexadecimal digits.
fn within_identifier(bytes: &[u8], at: usize) -> bool {
    let is_uuid = |text: &[u8]| {
        text.iter().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    };
    (at.saturating_sub(35)..=at).filter_map(|start| bytes.get(start..start + 36)).any(is_uuid)
}
