SUMMARY = "What makes an appliance of a system with Madoguchi Gateway: disks, packet filter, limits, and the rendering at boot"
DESCRIPTION = "The files of image/files, as the Debian image has them. Units, accounts and rules are rendered from them \
at boot by the program itself, so the two images have the same."
LICENSE = "Apache-2.0 | MIT"
LIC_FILES_CHKSUM = "file://LICENSE-MIT;md5=2adc9addd9d69d1f5ae6bd9ddb181358"

inherit allarch externalsrc systemd

EXTERNALSRC = "${MADOGUCHI_SOURCE}"
EXTERNALSRC_BUILD = "${WORKDIR}/build"
EXTERNALSRC_SYMLINKS = ""

do_configure[noexec] = "1"
do_compile[noexec] = "1"

do_install() {
    cp -R --no-preserve=ownership ${S}/image/files/. ${D}/
    chmod -R u=rwX,go=rX ${D}
    # The packages bring services of their own; the house has units instead, and nothing asks for a login.
    install -d ${D}${sysconfdir}/systemd/system
    for unit in mosquitto.service pcscd.service pcscd.socket strongswan.service getty@.service serial-getty@.service \
        console-getty.service autovt@.service debug-shell.service emergency.service rescue.service; do
        ln -sf /dev/null ${D}${sysconfdir}/systemd/system/$unit
    done
    mv ${D}${sysconfdir}/fstab ${D}${sysconfdir}/fstab.madoguchi
    install -d ${D}${sysconfdir}/chrony/sources.d
}

# base-files has an fstab of its own; ours takes its place in the image.
pkg_postinst:${PN}() {
    mv $D${sysconfdir}/fstab.madoguchi $D${sysconfdir}/fstab
}

SYSTEMD_SERVICE:${PN} = "madoguchi-etc.service madoguchi-configure.service"
FILES:${PN} += "${nonarch_libdir} ${sysconfdir}"

RDEPENDS:${PN} = "madoguchi nftables chrony strongswan systemd-extra-utils cryptsetup e2fsprogs-mke2fs iproute2"
