/**
 * One expectation as the shim hands it over: struct expect_row of
 * native/table/expect.h, in the memory of an entry's row, whose words `kind`
 * and `message` it shares. Numbers are in host order, addresses 16 bytes in
 * network order, IPv4 as IPv4-mapped.
 */

/** Words of 32 bits from a row's beginning. */
export const ExpectWord = {
  has: 1,
  flags: 2,
  timeoutS: 3,
  class: 4,
  id: 5,
  natDirection: 6,
  /** Low half. */
  zone: 7,
  /** One word of each tuple: halves source and destination. */
  ports: 12,
  /** Eight words of each tuple: source and destination. */
  addresses: 16,
  helper: 48,
} as const;

/** The tuples of a row, in their order. */
export const ExpectTuple = { expected: 0, mask: 1, master: 2, nat: 3 } as const;
export type ExpectTuple = (typeof ExpectTuple)[keyof typeof ExpectTuple];

/** Bits of the word `has`. */
export const ExpectHas = {
  flags: 1 << 8,
  timeout: 1 << 9,
  class: 1 << 10,
  id: 1 << 11,
  zone: 1 << 12,
  helper: 1 << 13,
  natDirection: 1 << 14,
} as const;

/** The bit of a tuple's addresses, and that of its ports. */
export function tupleBit(tuple: ExpectTuple): number {
  return 1 << tuple;
}

export function portsBit(tuple: ExpectTuple): number {
  return 1 << (4 + tuple);
}

/** Words at which a tuple's source address and its ports begin. */
export function addressesWord(tuple: ExpectTuple): number {
  return ExpectWord.addresses + tuple * 8;
}

export function portsWord(tuple: ExpectTuple): number {
  return ExpectWord.ports + tuple;
}

/** Bits of the word `flags` (uapi/linux/netfilter/nf_conntrack_common.h). */
export const ExpectFlag = { permanent: 1 << 0, inactive: 1 << 1, userspace: 1 << 2 } as const;
