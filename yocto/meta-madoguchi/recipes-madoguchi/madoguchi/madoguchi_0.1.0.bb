SUMMARY = "Madoguchi Gateway: smartphones and My Number cards as insurance cards, for many reception counters"
LICENSE = "Apache-2.0 | MIT"
LIC_FILES_CHKSUM = " \
    file://LICENSE-APACHE;md5=3b83ef96387f14655fc854ddc3c6bd57 \
    file://LICENSE-MIT;md5=2adc9addd9d69d1f5ae6bd9ddb181358 \
"

inherit cargo externalsrc pkgconfig

DEPENDS = "pcsc-lite cmake-native"

# The sources around the layer. Crates are fetched, each pinned by the checksum in Cargo.lock.
EXTERNALSRC = "${MADOGUCHI_SOURCE}"
EXTERNALSRC_BUILD = "${WORKDIR}/build"
# Links for developers have no place in the sources.
EXTERNALSRC_SYMLINKS = ""
require madoguchi-crates.inc

CARGO_BUILD_FLAGS:append = " --locked --package madoguchi"

do_install() {
    install -D -m 0755 ${B}/target/${CARGO_TARGET_SUBDIR}/madoguchi ${D}${bindir}/madoguchi
}

RDEPENDS:${PN} = "mosquitto pcsc-lite ccid"
