/** Netlink messages about one entry or expectation, attribute by attribute (uapi/linux/netfilter/nfnetlink_conntrack.h). */

export function attribute(type: number, payload: Uint8Array): Buffer {
  const length = 4 + payload.length;
  const bytes = Buffer.alloc((length + 3) & ~3);
  bytes.writeUInt16LE(length, 0);
  bytes.writeUInt16LE(type, 2);
  bytes.set(payload, 4);
  return bytes;
}

export function nest(type: number, ...inner: readonly Buffer[]): Buffer {
  const NLA_F_NESTED = 1 << 15;
  return attribute(type | NLA_F_NESTED, Buffer.concat(inner));
}

export function u8(type: number, value: number): Buffer {
  return attribute(type, Uint8Array.of(value));
}

/** Big-endian, as ctnetlink has it. */
export function u16(type: number, value: number): Buffer {
  return attribute(type, Uint8Array.of(value >>> 8, value & 255));
}

export function u32(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return attribute(type, bytes);
}

export function u64(type: number, value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return attribute(type, bytes);
}

const CT_NEW = 0x100;
const EXP_NEW = 0x200;
const CREATE_EXCL = 0x600;

/** IPCTNL_MSG_CT_NEW with both flags of a new entry. */
export function newEntry(family: number, ...attributes: readonly Buffer[]): Buffer {
  return newMessage(CT_NEW, family, attributes);
}

/** IPCTNL_MSG_EXP_NEW with both flags of a new expectation. */
export function newExpectation(family: number, ...attributes: readonly Buffer[]): Buffer {
  return newMessage(EXP_NEW, family, attributes);
}

function newMessage(type: number, family: number, attributes: readonly Buffer[]): Buffer {
  const body = Buffer.concat([Uint8Array.of(family, 1, 0, 0), ...attributes]);
  const header = Buffer.alloc(16);
  header.writeUInt32LE(16 + body.length, 0);
  header.writeUInt16LE(type, 4);
  header.writeUInt16LE(CREATE_EXCL, 6);
  return Buffer.concat([header, body]);
}

interface End {
  readonly address: readonly number[];
  readonly port: number;
}

/** CTA_TUPLE_ORIG is 1, CTA_TUPLE_REPLY 2. */
export function tuple(type: number, protocol: number, src: End, dst: End, zone?: number): Buffer {
  return nest(
    type,
    nest(1, attribute(1, Uint8Array.from(src.address)), attribute(2, Uint8Array.from(dst.address))),
    nest(2, u8(1, protocol), u16(2, src.port), u16(3, dst.port)),
    ...(zone === undefined ? [] : [u16(3, zone)]),
  );
}
