//! Compiles the driver of the virtual readers (`ifd/ifd_madoguchi.c`) into a shared library.

use std::env;
use std::path::PathBuf;
use std::process::Command;

/// Where Debian keeps the headers, should pkg-config be missing.
const USUAL_HEADERS: &str = "-I/usr/include/PCSC";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=ifd/ifd_madoguchi.c");
    println!("cargo::rerun-if-env-changed=CC");
    let library =
        PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?).join("libifdmadoguchi.so");
    let flags = match Command::new("pkg-config").args(["--cflags", "libpcsclite"]).output() {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into_owned(),
        _ => USUAL_HEADERS.to_owned(),
    };
    let compiler = env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let status = Command::new(&compiler)
        .args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-fPIC", "-shared", "-fvisibility=hidden"])
        .args(["-Wl,-z,relro,-z,now", "-Wl,--no-undefined"])
        .args(flags.split_whitespace())
        .args(["ifd/ifd_madoguchi.c", "-lpthread", "-o"])
        .arg(&library)
        .status()
        .map_err(|error| format!("can't run the C compiler {compiler:?} ({error}): install gcc"))?;
    if !status.success() {
        return Err("the virtual reader did not compile: install libpcsclite-dev".into());
    }
    println!("cargo::rustc-env=MADOGUCHI_IFD_HANDLER={}", library.display());
    Ok(())
}
