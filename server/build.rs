//! Embeds the site (wasm, JavaScript, CSS, fonts) that `cargo xtask` made, so that one binary is all there is to install.

use std::{env, fmt::Write as _, fs, path::Path};

#[expect(clippy::disallowed_methods, reason = "what the build hands to a build script comes in its environment")]
fn main() {
    println!("cargo:rerun-if-env-changed=SLIPWAY_SITE_DIR");
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let mut table = String::from("&[\n");
    // Without a site (tests of the server alone) the table is empty and pages come without their script.
    if let Some(folder) = env::var_os("SLIPWAY_SITE_DIR") {
        let folder = Path::new(&folder).canonicalize().expect("SLIPWAY_SITE_DIR names a folder");
        println!("cargo:rerun-if-changed={}", folder.display());
        let mut names = Vec::new();
        collect(&folder, "", &mut names);
        names.sort();
        for name in names.iter().filter(|n| !is_brotli(n)) {
            let brotli = format!("{name}.br");
            let compressed = if names.contains(&brotli) {
                format!("Some(include_bytes!({}))", literal(&folder.join(brotli)))
            } else {
                "None".to_owned()
            };
            writeln!(table, "    File {{ name: {name:?}, bytes: include_bytes!({}), brotli: {compressed} }},", literal(&folder.join(name)))
                .expect("a string takes all");
        }
    }
    table.push(']');
    fs::write(Path::new(&out).join("site.rs"), table).expect("OUT_DIR can be written");
}

/// Every file below the folder, as its path from there.
fn collect(folder: &Path, prefix: &str, names: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("the site folder can be read").flatten() {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{name}/"), names);
        } else {
            names.push(name);
        }
    }
}

fn is_brotli(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|e| e == "br")
}

/// The path as a string in Rust.
fn literal(path: &Path) -> String {
    format!("{:?}", path.to_str().expect("the site folder has a path in UTF-8"))
}
