#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    madoguchi_decoders::security_key::answer(input);
});
