#![no_main]
libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    madoguchi_decoders::clock::tracking(input);
});
