//! Writes the answer to a DHCPv6 message.

use super::decide::Answer;
use super::message::Request;
use super::relay;
use super::{BOOT_URL, CLIENT_ID, IA_NA, SERVER_ID, STATUS, VENDOR_CLASS};

/// What every link carries in one packet (IPv6's least MTU, 1280, less the headers): firmware need
/// not put fragments together. Only a relay that wrote a very long name of its own comes near.
const LONGEST: usize = 1232;
/// The maker's number that EDK2 looks for in option 16: Intel's, who wrote PXE.
const INTEL: [u8; 4] = [0, 0, 1, 87];
/// RFC 8415 §21.13.
const NO_ADDRESSES: [u8; 2] = [0, 2];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Advertise,
    Reply,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "write a DHCPv6 reply: what the relays added makes it {0} bytes long; give their interfaces shorter names"
)]
pub(super) struct TooLong(usize);

/// The answer, wrapped for the relays that the request came through.
pub(super) fn encode(
    request: &Request,
    kind: Kind,
    answer: &Answer,
    duid: &[u8],
) -> Result<Vec<u8>, TooLong> {
    let mut message = Vec::with_capacity(256);
    message.push(match kind {
        Kind::Advertise => 2,
        Kind::Reply => 7,
    });
    message.extend(request.xid);
    option(&mut message, CLIENT_ID, &request.client);
    option(&mut message, SERVER_ID, duid);
    for name in &answer.without_address {
        // Its name, two times that say nothing, and why there is no address.
        let mut association = [name.as_slice(), &[0; 8]].concat();
        option(&mut association, STATUS, &NO_ADDRESSES);
        option(&mut message, IA_NA, &association);
    }
    let class = answer.class.as_bytes();
    let len = u16::try_from(class.len()).unwrap_or(u16::MAX);
    let class = [INTEL.as_slice(), &len.to_be_bytes(), class].concat();
    option(&mut message, VENDOR_CLASS, &class);
    // Last: some firmware reads the URL up to a NUL, past its own end (the code of a next option
    // would begin with one).
    option(&mut message, BOOT_URL, answer.url.as_bytes());
    let message = relay::wrap(&request.hops, message);
    if message.len() > LONGEST {
        return Err(TooLong(message.len()));
    }
    Ok(message)
}

/// A value longer than an option holds is left out; none of ours is.
pub(super) fn option(message: &mut Vec<u8>, code: u16, value: &[u8]) {
    if let Ok(len) = u16::try_from(value.len()) {
        message.extend(code.to_be_bytes());
        message.extend(len.to_be_bytes());
        message.extend_from_slice(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dhcp6::fuzz::DUID;
    use crate::dhcp6::message::parse;
    use crate::dhcp6::packets;
    use dhcproto::v6::{DhcpOption, Message, MessageType, OptionCode, RelayMessage};
    use dhcproto::{Decodable, Decoder};

    fn answer() -> Answer {
        Answer {
            class: "PXEClient",
            url: "tftp://[fd77::2]/b/525400123456/snponly.efi".to_owned(),
            without_address: Vec::new(),
        }
    }

    /// `UPDATE_GOLDEN=1` writes it anew.
    #[test]
    fn the_answer_to_ovmf_is_the_golden_one_and_another_reader_s() {
        let request = parse(&packets::ovmf_solicit()).unwrap();
        let reply = encode(&request, Kind::Advertise, &answer(), &DUID).unwrap();
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data/dhcp6/ovmf-solicit.reply.hex");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, packets::hex(&reply)).unwrap();
        }
        let golden = packets::unhex(&std::fs::read_to_string(path).unwrap());
        assert_eq!(packets::hex(&reply), packets::hex(&golden));

        let message = Message::decode(&mut Decoder::new(&reply)).unwrap();
        assert_eq!(message.msg_type(), MessageType::Advertise);
        assert_eq!(message.xid(), request.xid);
        let options = message.opts();
        assert_eq!(
            options.get(OptionCode::ClientId),
            Some(&DhcpOption::ClientId(request.client.clone()))
        );
        assert_eq!(
            options.get(OptionCode::ServerId),
            Some(&DhcpOption::ServerId(DUID.to_vec()))
        );
        // No address, no refusal of one, no preference: the other server is the one to be chosen.
        for code in [
            OptionCode::IANA,
            OptionCode::StatusCode,
            OptionCode::Preference,
        ] {
            assert_eq!(options.get(code), None, "{code:?}");
        }
    }

    #[test]
    fn whoever_asks_us_alone_for_an_address_is_told_that_there_is_none() {
        let request = parse(&packets::second_step(&DUID)).unwrap();
        let mut answer = answer();
        answer.without_address.push([9, 8, 7, 6]);
        let reply = encode(&request, Kind::Reply, &answer, &DUID).unwrap();
        let message = Message::decode(&mut Decoder::new(&reply)).unwrap();
        assert_eq!(message.msg_type(), MessageType::Reply);
        let Some(DhcpOption::IANA(association)) = message.opts().get(OptionCode::IANA) else {
            panic!("{message:?}")
        };
        assert_eq!(association.id, 0x0908_0706);
        let Some(DhcpOption::StatusCode(status)) = association.opts.get(OptionCode::StatusCode)
        else {
            panic!("{association:?}")
        };
        assert_eq!(u16::from(status.status), 2, "NoAddrsAvail");
    }

    #[test]
    fn what_relays_wrote_comes_back_to_each_of_them() {
        let once = packets::relayed(&packets::ovmf_solicit(), b"Gi1/0/3");
        let twice = packets::relayed(&once, b"uplink");
        let request = parse(&twice).unwrap();
        let reply = encode(&request, Kind::Advertise, &answer(), &DUID).unwrap();
        let outer = RelayMessage::decode(&mut Decoder::new(&reply)).unwrap();
        assert_eq!(outer.msg_type(), MessageType::RelayRepl);
        assert_eq!(
            outer.opts().get(OptionCode::InterfaceId),
            Some(&DhcpOption::InterfaceId(b"uplink".to_vec()))
        );
        let direct = parse(&packets::ovmf_solicit()).unwrap();
        let plain = encode(&direct, Kind::Advertise, &answer(), &DUID).unwrap();
        assert!(reply.ends_with(&plain), "the machine's answer is inside");

        // A relay that writes a novel.
        let request = parse(&packets::relayed(&once, &[b'x'; 1200])).unwrap();
        let refused = encode(&request, Kind::Advertise, &answer(), &DUID);
        assert!(matches!(refused, Err(TooLong(1233..))), "{refused:?}");
    }
}
