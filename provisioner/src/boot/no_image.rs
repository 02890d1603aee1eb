//! A UEFI program for 64-bit ARM, made here: it says on the machine's screen that there is no image for it, waits
//! until that was read, and gives the machine back to its firmware, which goes on to its next boot device.
//!
//! PE32+ as firmware loads it (PE format specification; UEFI 2.10 §2.1.1): one section, no relocations, everything in
//! it is found from where it runs. Nobody signed it: firmware with Secure Boot says that it refuses it, and goes on too.

use config::Locale;

/// How long the sentence stays.
const WAIT_S: u32 = 20;
/// Where firmware puts the section; its file offset is [`FILE_UNIT`].
const SECTION: u32 = 0x1000;
const FILE_UNIT: usize = 0x200;
/// EFI_NOT_FOUND: a program that ends with success would keep some firmware in its menu.
const NOT_FOUND: u16 = 14;

/// The program, with its sentence in the appliance's language. Less than 4 KiB.
pub(crate) fn program(appliance: &str, locale: Locale) -> Vec<u8> {
    let mut section = code();
    // What follows is text: zero-terminated UCS-2, whose characters have 16 bits each.
    for unit in sentence(appliance, locale).encode_utf16().chain([0]) {
        let unit = if (0xd800..0xe000).contains(&unit) {
            u16::from(b'?')
        } else {
            unit
        };
        section.extend(unit.to_le_bytes());
    }
    let len = u32::try_from(section.len()).unwrap_or_default();
    section.resize(section.len().next_multiple_of(FILE_UNIT), 0);
    let mut file = headers(len, u32::try_from(section.len()).unwrap_or_default());
    file.resize(FILE_UNIT, 0);
    file.extend(section);
    file
}

fn sentence(appliance: &str, locale: Locale) -> String {
    // A name that somebody made very long.
    let appliance: String = appliance.chars().take(60).collect();
    match locale {
        Locale::En => format!(
            "\r\n\r\n  Reprise {appliance}: this machine has a 64-bit ARM processor.\r\n  \
             There is no image for such machines here. Nothing was changed.\r\n  \
             It goes on to its next boot device in {WAIT_S} seconds.\r\n\r\n"
        ),
        Locale::Fr => format!(
            "\r\n\r\n  Reprise {appliance}\u{a0}: cette machine a un processeur ARM 64\u{a0}bits.\r\n  \
             Il n'y a pas ici d'image pour ces machines. Rien n'a été changé.\r\n  \
             Elle passe à son périphérique de démarrage suivant dans {WAIT_S}\u{a0}secondes.\r\n\r\n"
        ),
    }
}

/// Called with the image's handle in x0 and the system table in x1 (UEFI 2.10 §2.3.6); the text follows it.
fn code() -> Vec<u8> {
    let wait_us = WAIT_S * 1_000_000;
    let (low, high) = (wait_us & 0xffff, wait_us >> 16);
    let mut words = [
        0xa9be_7bfd,                             // stp x29, x30, [sp, #-32]!
        0xa901_53f3,                             // stp x19, x20, [sp, #16]
        0xaa01_03f3,                             // mov x19, x1
        0xf940_2260,                             // ldr x0, [x19, #64]   the console
        0x1000_0001,                             // adr x1, text
        0xf940_0408,                             // ldr x8, [x0, #8]     OutputString
        0xd63f_0100,                             // blr x8
        0xf940_3268,                             // ldr x8, [x19, #96]   the boot services
        0xf940_7d08,                             // ldr x8, [x8, #248]   Stall
        0xd280_0000 | low << 5,                  // movz x0, #low        microseconds
        0xf2a0_0000 | high << 5,                 // movk x0, #high, lsl #16
        0xd63f_0100,                             // blr x8
        0xd280_0000 | u32::from(NOT_FOUND) << 5, // movz x0, #14
        0xf2f0_0000,                             // movk x0, #0x8000, lsl #48   an error
        0xa941_53f3,                             // ldp x19, x20, [sp, #16]
        0xa8c2_7bfd,                             // ldp x29, x30, [sp], #32
        0xd65f_03c0,                             // ret
        0,                                       // the text begins at a multiple of 8
    ];
    // From the instruction itself to the text, in bytes; bits 23 to 5 have it in words.
    let (at, end) = (4u32, 18u32);
    if let Some(adr) = words.get_mut(at as usize) {
        *adr |= (end - at) << 5;
    }
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Everything before the section.
fn headers(len: u32, raw_len: u32) -> Vec<u8> {
    let mut file = vec![0; 64];
    file[..2].copy_from_slice(b"MZ");
    file[60] = 64;
    file.extend(b"PE\0\0");
    let mut put = |bytes: &[u8]| file.extend_from_slice(bytes);
    // COFF: ARM64, one section, 240 bytes of optional header, executable and aware of large addresses.
    put(&0xaa64_u16.to_le_bytes());
    put(&1_u16.to_le_bytes());
    put(&[0; 12]);
    put(&240_u16.to_le_bytes());
    put(&0x0022_u16.to_le_bytes());
    // Optional header: PE32+.
    put(&0x020b_u16.to_le_bytes());
    put(&[0; 2]);
    let unit = u32::try_from(FILE_UNIT).unwrap_or_default();
    for number in [
        raw_len,
        0,
        0, // code, data
        SECTION,
        SECTION, // entry, code
        0,
        0, // image base
        SECTION,
        unit, // alignment in memory, and in the file
        0,
        0,
        0,
        0, // versions, reserved
        SECTION + len.next_multiple_of(SECTION),
        unit, // headers
        0,    // checksum
    ] {
        put(&number.to_le_bytes());
    }
    // An EFI application that runs where data is not executable.
    put(&10_u16.to_le_bytes());
    put(&0x0100_u16.to_le_bytes());
    // Stack and heap, loader flags, sixteen directories with nothing in them.
    put(&[0; 36]);
    put(&16_u32.to_le_bytes());
    put(&[0; 128]);
    put(b".text\0\0\0");
    for number in [len, SECTION, raw_len, unit, 0, 0, 0] {
        put(&number.to_le_bytes());
    }
    // Code, executable, readable.
    put(&0x6000_0020_u32.to_le_bytes());
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(file: &[u8], at: usize) -> u32 {
        u32::from_le_bytes(file[at..at + 4].try_into().unwrap())
    }

    #[test]
    fn it_is_a_program_for_arm64_whose_parts_lie_where_it_says() {
        for (locale, words) in [
            (Locale::En, "no image for such machines"),
            (Locale::Fr, "pas ici d'image pour ces machines"),
        ] {
            let file = program("agen", locale);
            assert!(file.len() < 4096, "{}", file.len());
            let pe = number(&file, 60) as usize;
            assert_eq!(&file[pe..pe + 6], b"PE\0\0\x64\xaa");
            let optional = pe + 24;
            assert_eq!(number(&file, optional + 16), SECTION, "entry");
            assert_eq!(file[optional + 68], 10, "EFI application");
            assert_eq!(number(&file, optional + 108), 16, "directories");
            let section = optional + 240;
            assert_eq!(&file[section..section + 5], b".text");
            let (len, raw, at) = (
                number(&file, section + 8),
                number(&file, section + 16) as usize,
                number(&file, section + 20) as usize,
            );
            assert_eq!(at + raw, file.len());
            assert_eq!(number(&file, optional + 56), SECTION + 4096);
            assert!(len as usize <= raw && section + 40 <= at);
            // The address that the code takes is that of the text.
            let adr = number(&file, at + 16);
            assert_eq!(adr & 0x9f00_001f, 0x1000_0001, "adr x1");
            let text = at + 16 + ((adr >> 5) & 0x7ffff) as usize * 4;
            let units: Vec<u16> = file[text..at + len as usize]
                .chunks_exact(2)
                .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
                .collect();
            assert_eq!(units.last(), Some(&0));
            let shown = String::from_utf16(&units[..units.len() - 1]).unwrap();
            assert!(shown.contains(words) && shown.contains("agen"), "{shown}");
        }
    }

    #[test]
    fn a_name_of_any_kind_is_shown_somehow() {
        let long = program(&"𝕊".repeat(5000), Locale::Fr);
        assert!(long.len() < 4096, "{}", long.len());
    }
}
