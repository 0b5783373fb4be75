# A root that the kernel verifies: the tree of hashes beside the file system, its top in the signed kernel image.

DEPENDS += "cryptsetup-native"

# Fixed, so that the same root gives the same hash.
MADOGUCHI_VERITY_SALT ?= "6d61646f67756368692d67617465776179000000000000000000000000000000"
MADOGUCHI_VERITY_UUID ?= "6d61646f-6775-6368-692d-726f6f740000"
MADOGUCHI_ROOT = "${IMGDEPLOYDIR}/${IMAGE_LINK_NAME}.erofs"

do_verity[depends] += "cryptsetup-native:do_populate_sysroot"
do_verity[vardeps] += "MADOGUCHI_VERITY_SALT MADOGUCHI_VERITY_UUID"
fakeroot do_verity() {
    rm -f ${MADOGUCHI_ROOT}.verity
    veritysetup format --salt=${MADOGUCHI_VERITY_SALT} --uuid=${MADOGUCHI_VERITY_UUID} \
        --root-hash-file=${WORKDIR}/roothash ${MADOGUCHI_ROOT} ${MADOGUCHI_ROOT}.verity
}
addtask verity after do_image_erofs before do_uki do_image_wic

# uki.bbclass makes the kernel image before the root; here it bears the root's hash, so it comes after.
deltask uki
addtask uki after do_verity before do_image_wic do_image_complete
python do_uki:prepend() {
    with open(d.expand("${WORKDIR}/roothash"), encoding="ascii") as file:
        d.appendVar("UKI_CMDLINE", " roothash=" + file.read().strip())
}
