//! The site: what browsers load, named after a digest of its content so that it can be cached for ever.

use crate::{Outcome, files::SiteFolder, style, tools};
use serde_json::json;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};
use wasm_bindgen_cli_support::Bindgen;

/// Builds the site and returns its folder.
///
/// `site.json` in it names the files, each as `/pkg/<file>`: `{"script", "wasm", "loader", "chunks", "style", "icon"}`, where `chunks`
/// holds the files of each chunk by the chunk's name.
pub fn build(release: bool) -> Outcome<PathBuf> {
    let target = tools::target_folder()?;
    let compiled = compile(&target, release)?;
    let joined = target.join("site").join(if release { "bindgen-release" } else { "bindgen-dev" });
    let chunks = join(&compiled, &joined, release)?;
    let mut folder = SiteFolder::open(target.join("site").join(if release { "release" } else { "dev" }), release)?;

    // The wasm, its chunks and their scripts name each other: they fit only each other, and share one digest.
    let code = folder.add_family("slipway", &joined)?;
    let file = |name: &str| format!("{code}/{name}");
    let chunks: BTreeMap<_, Vec<_>> =
        chunks.into_iter().map(|(chunk, files)| (chunk, files.iter().map(|stem| file(&format!("{stem}.wasm"))).collect())).collect();

    let source = tools::workspace_folder().join("style");
    let style = folder.add_hashed("slipway", "css", style::bundle(&source.join("main.css"))?.as_bytes())?;
    let icon = folder.add_hashed("icon", "svg", &fs::read(source.join("icon.svg")).unwrap_or_else(|_| EMPTY_ICON.into()))?;
    folder.add_tree(&source.join("fonts"), "fonts")?;

    let named = json!({
        "script": file("slipway.js"), "wasm": file("slipway_bg.wasm"), "loader": file(LOADER), "chunks": chunks,
        "style": style, "icon": icon,
    });
    folder.add("site.json", format!("{named:#}\n").as_bytes())?;
    folder.finish()
}

const EMPTY_ICON: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"/>"#;

/// The script that loads chunks.
const LOADER: &str = "chunks.js";

/// Compiles `frontend` and returns its wasm file.
fn compile(target: &Path, release: bool) -> Outcome<PathBuf> {
    tools::ensure_wasm_target()?;
    tools::say("compiling the site's wasm");
    let (profile, folder) = if release { ("wasm-release", "wasm-release") } else { ("dev", "debug") };
    let build = ["rustc", "--package", "frontend", "--lib", "--target", "wasm32-unknown-unknown", "--profile", profile];
    // Relocations say which function needs which, for the split into chunks; only the last step of the build makes them.
    tools::cargo(&[&build[..], &["--", "-C", "link-arg=--emit-relocs"]].concat(), &[])?;
    Ok(target.join("wasm32-unknown-unknown").join(folder).join("frontend.wasm"))
}

/// Splits the wasm into its main module and chunks, and writes them and the JavaScript that joins them to the browser into the folder
/// `out`; returns the files of each chunk, without their ending.
fn join(wasm: &Path, out: &Path, release: bool) -> Outcome<BTreeMap<String, Vec<String>>> {
    if out.exists() {
        fs::remove_dir_all(out)?;
    }
    let whole = fs::read(wasm)?;
    let main = out.with_extension("main.wasm");
    let mut options = wasm_split_cli_support::Options::new(&whole);
    let loader = format!("./{LOADER}");
    (options.output_dir, options.main_out_path, options.link_name, options.main_module) = (out, &main, &loader, "./slipway.js");
    let split = wasm_split_cli_support::transform(options).map_err(|problem| format!("splitting the wasm: {problem:#}"))?;
    if release {
        for chunk in &split.split_modules {
            fs::write(chunk, plain(&fs::read(chunk)?)?)?;
        }
    }
    glue(&main, out, release)?;
    Ok(split.prefetch_map.into_iter().collect())
}

/// The module without its custom sections: names of functions, and what tools have to say about themselves.
fn plain(wasm: &[u8]) -> Outcome<Vec<u8>> {
    const HEADER: usize = 8;
    const CUSTOM: u8 = 0;
    let (header, mut rest) = wasm.split_at_checked(HEADER).ok_or("a chunk is no wasm")?;
    let mut kept = header.to_vec();
    while let Some((&id, after)) = rest.split_first() {
        // A section is its kind, the length of its content in LEB128, and that.
        let digits = after.iter().position(|byte| byte & 0x80 == 0).ok_or("a chunk's section has no length")? + 1;
        let length = after[..digits].iter().rev().fold(0, |sum, byte| (sum << 7) | usize::from(byte & 0x7f));
        let (section, next) = rest.split_at_checked(1 + digits + length).ok_or("a chunk's section is cut off")?;
        if id != CUSTOM {
            kept.extend_from_slice(section);
        }
        rest = next;
    }
    Ok(kept)
}

/// Writes the JavaScript that joins the main module to the browser, and the wasm it fits.
fn glue(main: &Path, out: &Path, release: bool) -> Outcome<()> {
    let joined = Bindgen::new().input_path(main).out_name("slipway").web(true).and_then(|b| {
        b.typescript(false)
            .remove_name_section(release)
            .keep_debug(false)
            // Chunks import the main module's table of functions.
            .keep_lld_exports(true)
            // The page names the wasm, with its digest, itself.
            .omit_default_module_path(true)
            .generate(out)
    });
    joined.map_err(|problem| format!("wasm-bindgen: {problem:#}").into())
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_plain_module_keeps_all_but_its_custom_sections() {
        let header = b"\0asm\x01\0\0\0";
        let (types, names) = (b"\x01\x01\0", b"\0\x81\0\0");
        let module = [&header[..], types, names, types].concat();
        assert_eq!(plain(&module).unwrap(), [&header[..], types, types].concat());
        assert!(plain(&module[..module.len() - 1]).is_err());
    }
}
