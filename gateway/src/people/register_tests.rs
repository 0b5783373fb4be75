use super::*;

const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

fn later(hours: i64) -> Timestamp {
    NOW.checked_add(SignedDuration::from_hours(hours)).unwrap()
}

fn credentials() -> Credentials {
    let password = Password::typed("a long walk home".into()).kept().unwrap();
    Credentials { password, second_factor: SecondFactor::random().unwrap(), last_step: 0, keys: Vec::new() }
}

fn enrolled(register: &mut Register, name: &str, role: Role) -> PersonId {
    let id = register.add(name, role, &Code::random().unwrap(), NOW).unwrap();
    register.enrol(id, credentials()).unwrap();
    id
}

#[test]
fn nobody_can_remove_the_last_administrator() {
    let mut register = Register::default();
    let first = enrolled(&mut register, "一番", Role::Administrator);
    // One who has not set anything up can't mend anything either, nor can a clerk.
    let code = Code::random().unwrap();
    let second = register.add("二番", Role::Administrator, &code, NOW).unwrap();
    enrolled(&mut register, "clerk", Role::Operator);
    for refused in [
        register.set_role(first, Role::Viewer),
        register.set_disabled(first, true),
        register.recover(first, &code, NOW),
    ] {
        assert_eq!(refused, Err(Refused::LastAdministrator));
    }
    assert!(register.has_administrator());
    register.enrol(second, credentials()).unwrap();
    register.set_disabled(first, true).unwrap();
    assert_eq!(register.set_role(second, Role::Operator), Err(Refused::LastAdministrator));
    assert!(register.has_administrator());
}

#[test]
fn the_console_recovers_even_the_last_administrator() {
    let mut register = Register::default();
    let only = enrolled(&mut register, "一番", Role::Administrator);
    let code = Code::random().unwrap();
    register.recover_on_console(only, &code, NOW).unwrap();
    assert!(!register.has_administrator());
    assert_eq!(register.with_code(&code, NOW).map(|it| it.id), Some(only));
}

#[test]
fn a_one_time_code_works_once_for_its_person_and_ends() {
    let mut register = Register::default();
    let code = Code::random().unwrap();
    let id = register.add("花子", Role::Operator, &code, NOW).unwrap();
    assert_eq!(register.with_code(&code, later(71)).map(|it| it.id), Some(id));
    assert!(register.with_code(&code, later(72)).is_none());
    assert!(register.with_code(&Code::random().unwrap(), NOW).is_none());
    register.enrol(id, credentials()).unwrap();
    assert!(register.with_code(&code, NOW).is_none(), "used");
    register.recover(id, &code, NOW).unwrap();
    register.set_disabled(id, true).unwrap();
    assert!(register.with_code(&code, NOW).is_none(), "disabled");
}

#[test]
fn names_are_told_apart_and_have_nothing_strange_in_them() {
    let mut register = Register::default();
    let code = Code::random().unwrap();
    let mut add = |name: &str| register.add(name, Role::Viewer, &code, NOW).err();
    assert_eq!(add("  Hanako "), None);
    assert_eq!(add("hanako"), Some(Refused::NameTaken));
    for bad in ["", "   ", "a\nb", "a<b", "a\u{202e}b", "\u{0}", &"x".repeat(41)] {
        assert_eq!(add(bad), Some(Refused::BadName), "{bad:?}");
    }
    assert_eq!(register.named("HANAKO").map(|it| it.name.as_str()), Some("Hanako"));
}

#[test]
fn whoever_is_disabled_recovered_or_not_set_up_does_not_log_in() {
    let mut register = Register::default();
    let id = enrolled(&mut register, "花子", Role::Operator);
    let now = u64::try_from(NOW.as_second()).unwrap();
    let password = Password::typed("a long walk home".into());
    let code = register.person(id).unwrap().credentials.clone().unwrap().second_factor.code(now);
    let (person, step) = register.logs_in("花子", &password, &code, NOW).expect("right");
    assert_eq!(person.id, id);
    assert!(register.logs_in("花子", &Password::typed("a long walk homf".into()), &code, NOW).is_none());
    assert!(register.logs_in("太郎", &password, &code, NOW).is_none());
    assert!(register.used(id, step));
    assert!(!register.used(id, step), "a code is used once, also where two come at the same time");
    assert!(register.logs_in("花子", &password, &code, NOW).is_none(), "used already");
    register.set_disabled(id, true).unwrap();
    assert!(register.logs_in("花子", &password, &code, NOW).is_none());
}

#[test]
fn a_token_has_scopes_for_programs_only_and_ends_when_revoked() {
    let mut register = Register::default();
    let secret = super::super::Secret::random().unwrap();
    let mut add = |name: &str, scopes: &[Right]| {
        register.add_token(name, scopes.iter().copied().collect(), secret.digest(), NOW)
    };
    assert_eq!(add("x", &[]), Err(Refused::BadScopes));
    assert_eq!(add("x", &[Right::Watch, Right::Configure]), Err(Refused::BadScopes));
    let id = add("mirror", &[Right::Watch]).unwrap();
    assert_eq!(add("Mirror", &[Right::Watch]), Err(Refused::NameTaken));
    assert_eq!(register.token(secret.reveal()).map(|it| it.id), Some(id));
    assert!(register.token("").is_none());
    register.revoke_token(id).unwrap();
    assert!(register.token(secret.reveal()).is_none());
    assert_eq!(register.revoke_token(id), Err(Refused::Unknown));
}

#[test]
fn a_file_of_before_security_keys_is_read_and_one_without_keys_is_read_by_a_version_of_before() {
    let mut register = Register::default();
    let id = enrolled(&mut register, "花子", Role::Operator);
    let without = serde_json::to_value(&register).unwrap();
    let fields = without["people"][0]["credentials"].as_object().unwrap();
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["last_step", "password", "second_factor"]);
    let again: Register = serde_json::from_value(without).unwrap();
    assert!(again.person(id).unwrap().credentials.as_ref().unwrap().keys.is_empty());
}
