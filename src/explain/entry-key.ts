/** The tuples of entries and of rows of `flows` in one form, so that the same entry is found by both. */
import type { BatchView } from '../columns/batch-view.ts';
import { EntryWord, halfAt } from '../model/entry-row.ts';
import { protocolAt } from '../table/entry-nat.ts';
import { zoneAt } from '../table/entry-zone.ts';
import type { EntryMemory } from '../table/show-text.ts';

/** Bytes of an address. */
const WIDE = 16;

/** What no two entries of a namespace have in common, and the tuple that NAT alters. */
export interface EntryKeys {
  readonly original: string;
  readonly reply: string;
}

/** Bytes as they are, a character each. */
function bytesText(bytes: Uint8Array, from: number, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, length).toString('latin1');
}

export function keysOfEntry({ words, bytes }: EntryMemory, at: number): EntryKeys {
  const { id, direction } = zoneAt(words, at);
  const tuple = (src: number, ports: number): string => {
    const numbers = `${halfAt(words, at + ports, 0)} ${halfAt(words, at + ports, 1)}`;
    return `${numbers} ${bytesText(bytes, (at + src) * 4, 2 * WIDE)}`;
  };
  return {
    original: `${protocolAt(words, at)} ${id} ${direction} ${tuple(EntryWord.origSrc, EntryWord.origPorts)}`,
    reply: tuple(EntryWord.replySrc, EntryWord.replyPorts),
  };
}

export function keysOfFlow(view: BatchView, row: number): EntryKeys {
  const number = (name: string): number => view.numbers(name)[row]!;
  const tuple = (suffix: string): string => {
    const numbers = `${number(`src_port${suffix}`)} ${number(`dst_port${suffix}`)}`;
    const [src, dst] = [`src${suffix}`, `dst${suffix}`].map((name) =>
      bytesText(view.bytes(name), row * WIDE, WIDE),
    );
    return `${numbers} ${src}${dst}`;
  };
  const zone = `${number('zone')} ${number('zone_direction')}`;
  return { original: `${number('protocol')} ${zone} ${tuple('')}`, reply: tuple('_reply') };
}
