pub struct MbusDriver;
pub fn check() {}
