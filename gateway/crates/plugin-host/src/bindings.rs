//! What wasmtime makes of the contract.

wasmtime::component::bindgen!({
    path: "../../../sdk/wit/since-v1.0",
    world: "plugin",
});
