//! What boards say where nobody wrote anything: no serial number, no UUID. Pure.

/// Whole texts, lower case; each was seen on machines somebody sells.
const FILLERS: [&str; 34] = [
    "default string",
    "default",
    "$(default_string)",
    "not specified",
    "not applicable",
    "not available",
    "not assigned",
    "not settable",
    "unspecified",
    "undefined",
    "unknown",
    "none",
    "null",
    "nil",
    "n/a",
    "na",
    "tbd",
    "tbd by oem",
    "empty",
    "blank",
    "invalid",
    "oem",
    "o.e.m.",
    "oem_serial",
    "serial",
    "serial number",
    "serialnumber",
    "sernum",
    "no serial",
    "no serial number",
    "no asset tag",
    "type1sku0",
    "eval",
    "test",
];

/// Beginnings, lower case: the rest of the line varies.
const BEGINNINGS: [&str; 8] = [
    "system serial",
    "chassis serial",
    "base board serial",
    "baseboard serial",
    "board serial",
    "product serial",
    // Boards of one maker carry it before the same digits on all of them.
    "mb-1234567890",
    "sn12345",
];

/// UUIDs that whole series of boards share, written as the operating system shows them.
const SHARED_UUIDS: [&str; 6] = [
    // AMI's reference firmware, on boards of a dozen makers.
    "03000200-0400-0500-0006-000700080009",
    // "DELL" and an empty service tag.
    "4c4c4544-0000-2010-8020-80c04f202020",
    "12345678-1234-1234-1234-123456789abc",
    "12345678-1234-5678-90ab-cddeefaabbcc",
    "11111111-2222-3333-4444-555555555555",
    "01234567-89ab-cdef-0123-456789abcdef",
];

/// A serial number, or empty for a filler.
pub(crate) fn serial(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let lower = text.to_ascii_lowercase();
    let signs: String = lower.chars().filter(char::is_ascii_alphanumeric).collect();
    let filler = signs.len() < 4
        || is_one_sign(&signs)
        || is_counted(&signs)
        || FILLERS.contains(&lower.as_str())
        || BEGINNINGS.iter().any(|begin| lower.starts_with(begin))
        || lower.contains("filled by")
        || signs.contains("tobefilled");
    if filler { String::new() } else { text }
}

/// `0000000`, `XXXXXXXX`.
fn is_one_sign(signs: &str) -> bool {
    let mut signs = signs.chars();
    let first = signs.next();
    signs.all(|sign| Some(sign) == first)
}

/// `123456789`, `0123456789abcdef`: typed by somebody who had to type something.
fn is_counted(signs: &str) -> bool {
    const COUNTS: [&str; 4] = [
        "01234567890123456789",
        "12345678901234567890",
        "0123456789abcdefghij",
        "123456789abcdefghijk",
    ];
    COUNTS.iter().any(|count| count.starts_with(signs)) || "9876543210".starts_with(signs)
}

/// Is this UUID that of one machine only? `bytes` in either byte order.
pub(crate) fn is_shared_uuid(text: &str) -> bool {
    SHARED_UUIDS.contains(&text)
        || is_one_sign(&text.replace('-', ""))
        // All zero but its last digit, as some virtual machines have.
        || text.starts_with("00000000-0000-0000-0000-0000000")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fillers_are_no_serial_number() {
        for text in [
            "",
            "   ",
            "0",
            "0000000000",
            "........",
            "XXXXXXXXXX",
            "To Be Filled By O.E.M.",
            "To be filled by OEM",
            "ToBeFilledByO.E.M.",
            "Default string",
            "default string  ",
            "$(DEFAULT_STRING)",
            "System Serial Number",
            "System  Serial  Number",
            "Chassis Serial Number",
            "Base Board Serial Number",
            "Not Specified",
            "Not Applicable",
            "N/A",
            "None",
            "INVALID",
            "OEM",
            "O.E.M.",
            "Empty",
            "1234567",
            "123456789",
            "0123456789",
            "1234567890",
            "123456789ABCDEF",
            "0123456789ABCDEF",
            "MB-1234567890",
            "SN1234567890",
            "9876543210",
        ] {
            assert_eq!(serial(text), "", "{text:?}");
        }
    }

    #[test]
    fn serial_numbers_stay() {
        for text in [
            "5CG1234XYZ",
            "PF2ABCDE",
            "1234567890123X",
            "VMware-56 4d 2e 0a 11 22 33 44-55 66 77 88 99 aa bb cc",
            "C02XK0AAJG5J",
            "MXL0123456",
            "R90ABCDE",
            "0000-0007-1234",
            "Parallels-6F 1B 22",
        ] {
            assert_eq!(serial(text), text);
        }
        assert_eq!(serial("  5CG1234XYZ "), "5CG1234XYZ");
    }
}
