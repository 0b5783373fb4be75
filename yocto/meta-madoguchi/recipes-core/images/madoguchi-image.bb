SUMMARY = "The appliance: a verified root, slots A and B, each actor in a unit of its own"
LICENSE = "Apache-2.0 | MIT"

inherit core-image uki madoguchi-verity

# Nothing to log in with: no debug-tweaks, no ssh, no package manager.
IMAGE_FEATURES = "read-only-rootfs"
IMAGE_INSTALL = "packagegroup-core-boot madoguchi madoguchi-appliance"
IMAGE_LINGUAS = ""
NO_RECOMMENDATIONS = "1"
BAD_RECOMMENDATIONS += "busybox-syslog"

IMAGE_FSTYPES = "erofs wic wic.bmap"
WKS_FILE = "madoguchi.wks.in"
WKS_FILE_DEPENDS = "systemd-boot dosfstools-native mtools-native e2fsprogs-native"

# As image/mkosi/mkosi.conf has it.
UKI_CMDLINE = "console=tty0 quiet panic=10 lockdown=integrity lsm=landlock,lockdown,yama,apparmor,bpf \
usbcore.autosuspend=-1 systemd.machine_id=firmware systemd.firstboot=no \
systemd.verity_root_data=/dev/disk/by-partlabel/madoguchi_${DISTRO_VERSION}_root \
systemd.verity_root_hash=/dev/disk/by-partlabel/madoguchi_${DISTRO_VERSION}_verity"
# Keys for Secure Boot: UKI_SB_KEY and UKI_SB_CERT, in local.conf. Signing needs sbsign-tool-native (meta-secure-core).

# No root password, no shell.
ROOTFS_POSTPROCESS_COMMAND += "madoguchi_lock_root"
madoguchi_lock_root() {
    sed -i 's#^root:[^:]*:#root:*:#' ${IMAGE_ROOTFS}${sysconfdir}/shadow
    sed -i 's#^\(root:.*\):[^:]*$#\1:/sbin/nologin#' ${IMAGE_ROOTFS}${sysconfdir}/passwd
}
