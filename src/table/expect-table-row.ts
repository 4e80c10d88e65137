/** Rows of the shim to rows of the table `expectations` (model/expectations-table.ts). */
import { byteAt, halfAt } from '../model/entry-row.ts';
import {
  addressesWord,
  ExpectFlag,
  ExpectHas,
  ExpectTuple,
  ExpectWord,
  portsBit,
  portsWord,
} from '../model/expect-row.ts';
import { EXPECTATIONS } from '../model/expectations-table.ts';
import { layoutOf } from '../model/row-layout.ts';
import { NameTable, RowBuffer } from '../model/rows.ts';
import { anyPort, expectHelperAt, natEndAt } from './expect-text.ts';
import type { EntryMemory } from './show-text.ts';

const layout = layoutOf(EXPECTATIONS);

/** Columns of one word that a message need not have: name, bit, word. */
const WORDS = [
  ['timeout_s', ExpectHas.timeout, ExpectWord.timeoutS],
  ['id', ExpectHas.id, ExpectWord.id],
  ['class', ExpectHas.class, ExpectWord.class],
  ['nat_direction', ExpectHas.natDirection, ExpectWord.natDirection],
] as const;
const TUPLES = [
  ['', ExpectTuple.expected],
  ['mask_', ExpectTuple.mask],
  ['master_', ExpectTuple.master],
] as const;
const FLAGS = ['permanent', 'inactive', 'userspace'] as const;

/** Collects rows, with the names they refer to. */
export class ExpectTableRows {
  readonly names = new NameTable();
  readonly buffer: RowBuffer;
  private readonly netns: number;
  private at = 0;

  constructor(netns: number, capacity: number) {
    this.netns = netns;
    this.buffer = new RowBuffer(EXPECTATIONS, capacity);
  }

  /** `readAtNs`: since 1970 UTC. The caller sees to the room. */
  add(memory: EntryMemory, from: number, readAtNs: bigint): void {
    const { words, bytes } = memory;
    const has = words[from + ExpectWord.has]!;
    this.at = this.buffer.next();
    this.put('netns', this.netns | 0);
    this.put('read_at', Number(BigInt.asIntN(32, readAtNs)));
    this.put('read_at', Number(BigInt.asIntN(32, readAtNs >> 32n)), 1);
    this.put('news', byteAt(words, from, 3));
    this.put('family', byteAt(words, from, 0));
    this.put('protocol', byteAt(words, from, 1));
    for (const [prefix, tuple] of TUPLES) this.addTuple(words, from, prefix, tuple);
    this.put('zone', halfAt(words, from + ExpectWord.zone, 0));
    for (const [name, bit, word] of WORDS) {
      if (has & bit) this.put(name, words[from + word]!);
      else this.setNull(name);
    }
    const flags = words[from + ExpectWord.flags]!;
    for (const flag of FLAGS) this.put(flag, Number((flags & ExpectFlag[flag]) !== 0));
    const helper = expectHelperAt(bytes, from);
    if (helper === '') this.setNull('helper');
    else this.put('helper', this.names.numberOf(helper));
    this.addNat(memory, from);
  }

  private addTuple(words: Int32Array, from: number, prefix: string, tuple: ExpectTuple): void {
    this.putAddress(words, from + addressesWord(tuple), `${prefix}src`);
    this.putAddress(words, from + addressesWord(tuple) + 4, `${prefix}dst`);
    const hasPorts = (words[from + ExpectWord.has]! & portsBit(tuple)) !== 0;
    for (const [name, high] of [
      ['src_port', 0],
      ['dst_port', 1],
    ] as const) {
      const isAny = tuple === ExpectTuple.expected && anyPort(words, from, high);
      if (!hasPorts || isAny) this.setNull(`${prefix}${name}`);
      else this.put(`${prefix}${name}`, halfAt(words, from + portsWord(tuple), high));
    }
  }

  private addNat(memory: EntryMemory, from: number): void {
    const { address, port } = natEndAt(memory, from);
    const word = from + addressesWord(ExpectTuple.nat);
    if (address === null) this.setNull('nat_address');
    else this.putAddress(memory.words, word, 'nat_address');
    if (port === 0) this.setNull('nat_port');
    else this.put('nat_port', port);
  }

  private putAddress(words: Int32Array, word: number, column: string): void {
    for (let index = 0; index < 4; index++) this.put(column, words[word + index]!, index);
  }

  private put(column: string, value: number, more = 0): void {
    this.buffer.words[this.at + layout.at(column) + more] = value;
  }

  private setNull(column: string): void {
    const index = layout.index(column);
    this.buffer.words[this.at + (index >>> 5)]! |= 1 << (index & 31);
  }
}
