//! What the standard's numbers for errors mean (clauses 18 and 20.1).

/// Error codes that this crate decides by.
pub mod error_code {
    #![expect(missing_docs, reason = "each is the standard's own name")]
    pub const INVALID_DATA_TYPE: u16 = 9;
    pub const OTHER: u16 = 0;
    pub const READ_ACCESS_DENIED: u16 = 27;
    pub const OPTIONAL_FUNCTIONALITY_NOT_SUPPORTED: u16 = 45;
    pub const UNKNOWN_OBJECT: u16 = 31;
    pub const UNKNOWN_PROPERTY: u16 = 32;
    pub const SERVICE_REQUEST_DENIED: u16 = 29;
    pub const VALUE_OUT_OF_RANGE: u16 = 37;
    pub const WRITE_ACCESS_DENIED: u16 = 40;
    pub const INVALID_ARRAY_INDEX: u16 = 42;
    pub const COV_SUBSCRIPTION_FAILED: u16 = 43;
    pub const NOT_COV_PROPERTY: u16 = 44;
    pub const PROPERTY_IS_NOT_AN_ARRAY: u16 = 50;
    pub const UNKNOWN_SUBSCRIPTION: u16 = 79;
}

/// Abort reasons that this crate decides by.
pub mod abort_reason {
    #![expect(missing_docs, reason = "each is the standard's own name")]
    pub const OTHER: u8 = 0;
    pub const BUFFER_OVERFLOW: u8 = 1;
    pub const INVALID_APDU_IN_THIS_STATE: u8 = 2;
    pub const SEGMENTATION_NOT_SUPPORTED: u8 = 4;
    pub const APDU_TOO_LONG: u8 = 11;
}

const ERRORS: [(u16, &str); 99] = [
    (0, "other"),
    (2, "configuration in progress"),
    (3, "device busy"),
    (4, "dynamic creation not supported"),
    (5, "file access denied"),
    (7, "inconsistent parameters"),
    (8, "inconsistent selection criterion"),
    (9, "invalid data type"),
    (10, "invalid file access method"),
    (11, "invalid file start position"),
    (13, "invalid parameter data type"),
    (14, "invalid time stamp"),
    (16, "missing required parameter"),
    (17, "no objects of specified type"),
    (18, "no space for object"),
    (19, "no space to add list element"),
    (20, "no space to write property"),
    (22, "property is not a list"),
    (23, "object deletion not permitted"),
    (24, "object identifier already exists"),
    (25, "operational problem"),
    (26, "password failure"),
    (27, "read access denied"),
    (29, "service request denied"),
    (30, "timeout"),
    (31, "unknown object"),
    (32, "unknown property"),
    (36, "unsupported object type"),
    (37, "value out of range"),
    (40, "write access denied"),
    (41, "character set not supported"),
    (42, "invalid array index"),
    (43, "COV subscription failed"),
    (44, "not a COV property"),
    (45, "optional functionality not supported"),
    (46, "invalid configuration data"),
    (47, "datatype not supported"),
    (48, "duplicate name"),
    (49, "duplicate object identifier"),
    (50, "property is not an array"),
    (51, "abort buffer overflow"),
    (52, "abort invalid APDU in this state"),
    (53, "abort preempted by higher priority task"),
    (54, "abort segmentation not supported"),
    (55, "abort proprietary"),
    (56, "abort other"),
    (57, "invalid tag"),
    (58, "network down"),
    (59, "reject buffer overflow"),
    (60, "reject inconsistent parameters"),
    (61, "reject invalid parameter data type"),
    (62, "reject invalid tag"),
    (63, "reject missing required parameter"),
    (64, "reject parameter out of range"),
    (65, "reject too many arguments"),
    (66, "reject undefined enumeration"),
    (67, "reject unrecognized service"),
    (68, "reject proprietary"),
    (69, "reject other"),
    (70, "unknown device"),
    (71, "unknown route"),
    (72, "value not initialized"),
    (73, "invalid event state"),
    (74, "no alarm configured"),
    (75, "log buffer full"),
    (76, "logged value purged"),
    (77, "no property specified"),
    (78, "not configured for triggered logging"),
    (79, "unknown subscription"),
    (80, "parameter out of range"),
    (81, "list element not found"),
    (82, "busy"),
    (83, "communication disabled"),
    (110, "not router to that network"),
    (111, "router busy"),
    (112, "unknown network message"),
    (113, "message too long"),
    (114, "security error"),
    (115, "addressing error"),
    (116, "write BDT failed"),
    (117, "read BDT failed"),
    (118, "register foreign device failed"),
    (119, "read FDT failed"),
    (120, "delete FDT entry failed"),
    (121, "distribute broadcast failed"),
    (122, "unknown file size"),
    (123, "abort APDU too long"),
    (124, "abort application exceeded reply time"),
    (125, "abort out of resources"),
    (126, "abort TSM timeout"),
    (127, "abort window size out of range"),
    (128, "file full"),
    (129, "inconsistent configuration"),
    (130, "inconsistent object type"),
    (131, "internal error"),
    (132, "not configured"),
    (133, "out of memory"),
    (134, "value too long"),
    (135, "abort insufficient security"),
];

/// What an error code means.
pub fn error_meaning(code: u16) -> &'static str {
    ERRORS.iter().find(|(n, _)| *n == code).map_or("a code of its own", |(_, text)| text)
}

/// What a reason for rejecting means.
pub fn reject_meaning(reason: u8) -> &'static str {
    const REASONS: [&str; 10] = [
        "rejected: other",
        "rejected: buffer overflow",
        "rejected: inconsistent parameters",
        "rejected: invalid parameter data type",
        "rejected: invalid tag",
        "rejected: missing required parameter",
        "rejected: parameter out of range",
        "rejected: too many arguments",
        "rejected: undefined enumeration",
        "rejected: unrecognized service",
    ];
    REASONS.get(usize::from(reason)).copied().unwrap_or("rejected")
}

/// What a reason for aborting means.
pub fn abort_meaning(reason: u8) -> &'static str {
    const REASONS: [&str; 12] = [
        "aborted: other",
        "aborted: buffer overflow",
        "aborted: invalid APDU in this state",
        "aborted: preempted by a task of higher priority",
        "aborted: segmentation not supported",
        "aborted: security error",
        "aborted: insufficient security",
        "aborted: window size out of range",
        "aborted: application exceeded its reply time",
        "aborted: out of resources",
        "aborted: transaction timed out",
        "aborted: APDU too long",
    ];
    REASONS.get(usize::from(reason)).copied().unwrap_or("aborted")
}
