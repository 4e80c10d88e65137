/** Tables of legacy iptables in the kernel's own layout, by way of the shim. */
import { constants } from 'node:os';
import type { LegacyTable } from '../kernel/legacy-table.ts';
import { addressOfView, CallMemory } from './address.ts';
import { failure } from './failure.ts';
import { shim } from './shim.ts';

/** 64-bit words of struct legacy_table_call, the 32-bit word of the family, the byte of the name. */
const NETNS = 0;
const INFO = 1;
const FAMILY = 8;
const TABLE = 40;
const TABLE_BYTES = 32;
const CALL_BYTES = 72;

const AF = { ip: 2, ip6: 10 } as const;
const INFO_BYTES = 84;
/** 32-bit word of struct ipt_getinfo: bytes of the entries. */
const INFO_SIZE = 20;
const FIRST_BYTES = 64 << 10;

/**
 * `netns`: the path of a namespace; absent: this process's. Loads the table if
 * it is not loaded.
 */
export function readLegacyTable(family: 'ip' | 'ip6', table: string, netns?: string): LegacyTable {
  const path = Buffer.from(netns === undefined ? '' : `${netns}\0`);
  const call = new CallMemory(CALL_BYTES + Math.ceil(path.length / 8) * 8);
  const info = new Uint32Array(INFO_BYTES / 4);
  call.bytes.set(Buffer.from(table).subarray(0, TABLE_BYTES - 1), TABLE);
  call.bytes.set(path, CALL_BYTES);
  call.narrow[FAMILY] = AF[family];
  call.wide[NETNS] = path.length === 0 ? 0n : BigInt(call.address + CALL_BYTES);
  for (let capacity = FIRST_BYTES; ; ) {
    const entries = new Uint8Array(capacity);
    call.wide.set([addressOfView(info), addressOfView(entries), BigInt(capacity)], INFO);
    const read = shim().legacy_table_read(call.address);
    if (read >= 0) return { info: new Uint8Array(info.buffer), entries: entries.subarray(0, read) };
    if (read !== -constants.errno.ENOBUFS) {
      throw failure(`read the ${family} table ${table} of iptables`, -read);
    }
    capacity = info[INFO_SIZE]!;
  }
}
