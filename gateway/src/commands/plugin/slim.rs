//! Takes out of a component what no gateway reads: names for debuggers, who produced it, the types
//! that `wit-component` has already put to use. Three kilobytes of a plugin, and tens where
//! Cargo.toml does not strip.

use wasm_encoder::{ComponentSectionId, Encode, RawSection, Section};
use wasmparser::{Encoding, Parser, Payload};

/// The component without its custom sections and those of the modules within.
pub(super) fn slim(component: &[u8]) -> wasmparser::Result<Vec<u8>> {
    let mut slim = Vec::with_capacity(component.len());
    // What is around the module or component that is being copied.
    let mut around = Vec::new();
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload?;
        match &payload {
            Payload::Version { encoding, .. } => slim.extend(match encoding {
                Encoding::Module => wasm_encoder::Module::HEADER,
                Encoding::Component => wasm_encoder::Component::HEADER,
            }),
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {
                around.push(std::mem::take(&mut slim));
            }
            Payload::End(_) => {
                let Some(outer) = around.pop() else { break };
                let inner = std::mem::replace(&mut slim, outer);
                let id = match inner.starts_with(&wasm_encoder::Component::HEADER) {
                    true => ComponentSectionId::Component,
                    false => ComponentSectionId::CoreModule,
                };
                slim.push(id.into());
                inner.encode(&mut slim);
            }
            Payload::CustomSection(_) => {}
            other => {
                if let Some((id, range)) = other.as_section() {
                    let data = component.get(range).unwrap_or_default();
                    RawSection { id, data }.append_to(&mut slim);
                }
            }
        }
    }
    Ok(slim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_encoder::{Component, CustomSection, Module, ModuleSection, NestedComponentSection};

    fn custom(name: &str) -> CustomSection<'_> {
        CustomSection { name: name.into(), data: b"text".as_slice().into() }
    }

    /// A module in a component in a component, each with a custom section or without.
    fn nested(with: bool) -> Vec<u8> {
        let mut module = Module::new();
        let mut types = wasm_encoder::TypeSection::new();
        types.ty().function([], [wasm_encoder::ValType::I32]);
        module.section(&types);
        let mut inner = Component::new();
        let mut outer = Component::new();
        if with {
            module.section(&custom("producers"));
            inner.section(&custom("component-name"));
            outer.section(&custom("first"));
        }
        inner.section(&ModuleSection(&module));
        outer.section(&NestedComponentSection(&inner));
        if with {
            outer.section(&custom("last"));
        }
        outer.finish()
    }

    #[test]
    fn custom_sections_go_at_every_depth_and_all_else_stays() {
        assert!(nested(true).len() > nested(false).len());
        assert_eq!(slim(&nested(true)).unwrap(), nested(false));
        assert_eq!(slim(&nested(false)).unwrap(), nested(false));
    }

    #[test]
    fn what_is_no_component_is_told() {
        assert!(slim(b"\0asm, more or less").is_err());
        assert!(slim(&nested(false)[..20]).is_err());
    }
}
