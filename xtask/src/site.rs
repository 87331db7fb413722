//! The site: what browsers load, named after a digest of its content so that it can be cached for ever.

use crate::{Outcome, files::SiteFolder, style, tools};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
};
use wasm_bindgen_cli_support::Bindgen;

/// Builds the site and returns its folder.
///
/// `site.json` in it names the page's four files: `{"script", "wasm", "style", "icon"}`, each `/pkg/<file>`.
pub fn build(release: bool) -> Outcome<PathBuf> {
    let target = tools::target_folder()?;
    let glued = glue(&compile(&target, release)?, &target, release)?;
    let mut folder = SiteFolder::open(target.join("site").join(if release { "release" } else { "dev" }), release)?;

    let wasm = folder.add_hashed("slipway", "wasm", &fs::read(glued.join("slipway_bg.wasm"))?)?;
    let script = folder.add_hashed("slipway", "js", &fs::read(glued.join("slipway.js"))?)?;
    // Scripts that crates bring along; their folders carry a digest already, and the glue imports them by name.
    folder.add_tree(&glued.join("snippets"), "snippets")?;

    let source = tools::workspace_folder().join("style");
    let style = folder.add_hashed("slipway", "css", style::bundle(&source.join("main.css"))?.as_bytes())?;
    let icon = folder.add_hashed("icon", "svg", &fs::read(source.join("icon.svg")).unwrap_or_else(|_| EMPTY_ICON.into()))?;
    folder.add_tree(&source.join("fonts"), "fonts")?;

    let named = json!({ "script": script, "wasm": wasm, "style": style, "icon": icon });
    folder.add("site.json", format!("{named:#}\n").as_bytes())?;
    folder.finish()
}

const EMPTY_ICON: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"/>"#;

/// Compiles `frontend` and returns its wasm file.
fn compile(target: &Path, release: bool) -> Outcome<PathBuf> {
    tools::ensure_wasm_target()?;
    tools::say("compiling the site's wasm");
    let (profile, folder) = if release { ("wasm-release", "wasm-release") } else { ("dev", "debug") };
    tools::cargo(&["build", "--package", "frontend", "--lib", "--target", "wasm32-unknown-unknown", "--profile", profile], &[])?;
    Ok(target.join("wasm32-unknown-unknown").join(folder).join("frontend.wasm"))
}

/// Writes the JavaScript that joins the wasm to the browser, and the wasm it fits, into a folder of its own.
fn glue(wasm: &Path, target: &Path, release: bool) -> Outcome<PathBuf> {
    let out = target.join("site").join(if release { "bindgen-release" } else { "bindgen-dev" });
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    let joined = Bindgen::new().input_path(wasm).out_name("slipway").web(true).and_then(|b| {
        b.typescript(false)
            .remove_name_section(release)
            .keep_debug(false)
            // The page names the wasm, with its digest, itself.
            .omit_default_module_path(true)
            .generate(&out)
    });
    joined.map_err(|problem| format!("wasm-bindgen: {problem:#}"))?;
    Ok(out)
}
