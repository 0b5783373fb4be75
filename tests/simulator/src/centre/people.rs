//! The invented people. Every name says that it is one: 試験 (test), 架空 (fictitious), 見本 (specimen).

use super::eligibility::Eligibility;

struct Person {
    name: &'static str,
    kana: &'static str,
    /// 1 male, 2 female.
    sex: &'static str,
    birthdate: &'static str,
}

const PEOPLE: [Person; COUNT] = [
    Person { name: "試験　太郎", kana: "シケン　タロウ", sex: "1", birthdate: "19700101" },
    Person { name: "試験　花子", kana: "シケン　ハナコ", sex: "2", birthdate: "19850315" },
    // U+20BB7, outside the Basic Multilingual Plane: Shift_JIS has no place for it.
    Person { name: "𠮷野　試験子", kana: "ヨシノ　シケンコ", sex: "2", birthdate: "19921231" },
    // U+9AD9 and U+FA11: IBM extensions, in Windows-31J but not in JIS X 0208.
    Person { name: "髙﨑　見本", kana: "タカサキ　ミホン", sex: "1", birthdate: "19480720" },
    // U+20B9F, the printed form of 叱, which has its own code point beside U+53F1.
    Person { name: "𠮟田　架空", kana: "シカタ　カクウ", sex: "1", birthdate: "20010228" },
    // An ideographic variation sequence: one glyph, two code points.
    Person {
        name: "葛\u{E0100}城　試験", kana: "カツラギ　シケン", sex: "2", birthdate: "19600505"
    },
    Person {
        name: "架空　見本之助", kana: "カクウ　ミホンノスケ", sex: "1", birthdate: "20200810"
    },
    Person {
        name: "ＴＥＳＴ　ＳＡＭＰＬＥ", kana: "テスト　サンプル", sex: "2", birthdate: "19991111"
    },
];

/// How many have names of their own.
pub const COUNT: usize = 8;

/// The `number`-th person's entry; numbers past the list share its names, never its insurance details.
pub(super) fn eligibility(number: usize) -> Eligibility {
    let person = &PEOPLE[number % COUNT];
    let text = |value: &str| Some(value.to_owned());
    Eligibility {
        insured_card_classification: text("01"),
        // No insurer's number begins with 99.
        insurer_number: text("99999999"),
        insured_card_symbol: text("試験"),
        insured_identification_number: Some(format!("{:08}", number + 1)),
        insured_branch_number: text("01"),
        personal_family_classification: text("1"),
        insured_name: text(person.name),
        name: text(person.name),
        name_kana: text(person.kana),
        sex1: text(person.sex),
        birthdate: text(person.birthdate),
        address: text("架空県見本市試験町１－２－３"),
        post_number: text("0000000"),
        qualification_date: text("20200901"),
        insured_card_valid_date: text("20200901"),
        insured_partial_contribution_ratio: text("030"),
        insurer_name: text("架空見本健康保険組合"),
        ..Eligibility::default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_people_share_their_insurance_details() {
        let numbers: HashSet<_> =
            (0..100).filter_map(|number| eligibility(number).insured_identification_number).collect();
        assert_eq!(numbers.len(), 100);
    }

    #[test]
    fn some_names_lie_outside_the_basic_plane_and_in_the_ibm_extensions() {
        let names: String = PEOPLE.iter().map(|person| person.name).collect();
        for wanted in ['𠮷', '髙', '﨑', '𠮟', '\u{E0100}'] {
            assert!(names.contains(wanted), "{wanted} is missing");
        }
    }
}
