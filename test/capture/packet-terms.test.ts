import { describe, expect, it } from 'vitest';
import { readFilter } from '../../src/capture/filter.ts';
import { encodePacketTerms } from '../../src/capture/packet-term-bytes.ts';
import { type PacketTermWords, parsePacketTerms } from '../../src/capture/packet-terms.ts';
import { netnsOfProcess } from '../../src/kernel/netns.ts';
import { filterTerms, filterTermsBytes } from '../../src/wire/layout.ts';

const NAMES = { 4026531833: 'init', 4026532001: 'router', 4026532002: '77' };
const parse = (words: PacketTermWords) => parsePacketTerms(words, () => NAMES);

function bytesOf(words: PacketTermWords): DataView {
  const bytes = new Uint8Array(filterTermsBytes);
  encodePacketTerms(parse(words), bytes);
  return new DataView(bytes.buffer);
}

describe('options about packets', () => {
  it.each<[PacketTermWords, string]>([
    [{ netns: 'router,4026531900' }, '--netns 4026532001,4026531900'],
    [{ netns: '77' }, '--netns 4026532002'],
    [{ interface: 'eth0,7,wg0' }, '--interface eth0,7,wg0'],
    [{ mark: '16' }, '--mark 0x10'],
    [{ mark: '0x10/255' }, '--mark 0x10/0xff'],
    [{ mark: '0' }, '--mark 0x0'],
    [{ mark: '0xffffffff' }, '--mark 0xffffffff'],
    [{ zone: '0,5,5' }, '--zone 0,5'],
    [{ state: 'invalid,new' }, '--state new,invalid'],
    [{ hook: 'postrouting,input' }, '--hook input,postrouting'],
    [{ direction: 'reply' }, '--direction reply'],
    [{ newOnly: true }, '--new-only'],
    [
      { direction: 'original', newOnly: true, zone: '1' },
      '--zone 1 --direction original --new-only',
    ],
    [{}, ''],
  ])('have a canonical text: %o', (words, text) => {
    expect(parse(words).text).toBe(text);
  });

  it('stand behind the expression', () => {
    expect(readFilter({ filter: 'tcp port 80', state: 'new' }).text).toBe(
      'tcp and port 80 --state new',
    );
    expect(readFilter({ filter: 'not tcp', hook: 'input' }).text).toBe('not tcp --hook input');
  });

  it('find the namespace of a process', () => {
    expect(parse({ netns: `pid:${process.pid}` }).netns).toEqual([netnsOfProcess(process.pid)]);
  });

  it.each<[PacketTermWords, string]>([
    [
      { netns: 'nope' },
      '--netns: found "nope", needed an inode, pid: and a process that runs, or one of ',
    ],
    [{ netns: 'pid:0' }, '--netns: found "pid:0"'],
    [{ netns: '' }, '--netns: found ""'],
    [
      { interface: 'a-name-that-is-too-long' },
      '--interface: found "a-name-that-is-too-long", needed names of up to 15 bytes, or indexes',
    ],
    [{ interface: 'eth0,' }, '--interface: found "", needed'],
    [{ mark: '0x10/0' }, '--mark: found "0x10/0", needed value or value/mask of 32 bits'],
    [{ mark: '0x1f/0xf' }, '--mark: found "0x1f/0xf", needed'],
    [{ mark: '1/2/3' }, '--mark: found "1/2/3", needed'],
    [{ mark: '0x100000000' }, '--mark: found "0x100000000"'],
    [{ mark: '-1' }, '--mark: found "-1"'],
    [{ zone: '65536' }, '--zone: found "65536", needed zone numbers from 0 to 65535'],
    [{ zone: '1,2,3,4,5,6,7,8,9' }, '--zone: found "1,2,3,4,5,6,7,8,9", needed at most 8 of them'],
    [
      { state: 'New' },
      '--state: found "New", needed some of new, established, related, invalid, untracked, joined by commas',
    ],
    [{ state: 'toString' }, '--state: found "toString"'],
    [
      { hook: 'ingress' },
      '--hook: found "ingress", needed some of prerouting, input, forward, output, postrouting',
    ],
    [{ direction: 'back' }, '--direction: found "back", needed some of original, reply'],
    [
      { direction: 'reply', newOnly: true },
      'found --state, --direction and --new-only of which no packet has all',
    ],
    [{ state: 'untracked', direction: 'original' }, 'of which no packet has all'],
  ])('are refused in one line: %o', (words, message) => {
    expect(() => parse(words)).toThrow(message);
    expect(() => parse(words)).toThrow(/^[^\n]+$/);
  });
});

describe('the bytes of packet terms', () => {
  it('have every term at its own place', () => {
    const view = bytesOf({
      netns: '4026532001,4026532777',
      interface: 'eth0,7,a-name-of-15-by',
      mark: '0x12340000/0xffff0000',
      zone: '9,260',
      hook: 'prerouting,output',
    });
    const text = (at: number) =>
      new TextDecoder().decode(new Uint8Array(view.buffer, at, 16)).replace(/\0+$/, '');
    expect(view.getUint32(filterTerms.netns, true)).toBe(4026532001);
    expect(view.getUint32(filterTerms.netns + 4, true)).toBe(4026532777);
    expect(text(filterTerms.interface)).toBe('eth0');
    expect(text(filterTerms.interface + 16)).toBe('a-name-of-15-by');
    expect(view.getUint32(filterTerms.ifindex, true)).toBe(7);
    expect(view.getUint32(filterTerms.mark, true)).toBe(0x12340000);
    expect(view.getUint32(filterTerms.markMask, true)).toBe(0xffff0000);
    expect(view.getUint16(filterTerms.zone, true)).toBe(9);
    expect(view.getUint16(filterTerms.zone + 2, true)).toBe(260);
    expect(view.getUint8(filterTerms.hooks)).toBe(0b1001);
    const { namespaces, interfaces, ifindexes, zones, byPacket } = filterTerms;
    expect(
      [namespaces, interfaces, ifindexes, zones, byPacket].map((at) => view.getUint8(at)),
    ).toEqual([2, 2, 1, 2, 1]);
  });

  it.each<[PacketTermWords, number, number]>([
    [{ state: 'new' }, 0b100, 0],
    [{ state: 'established' }, 0b1001, 0],
    [{ state: 'related,untracked' }, 0b1001_0010, 0],
    [{ state: 'invalid' }, 0b1_0000_0000, 0],
    [{ direction: 'original' }, 0b111, 0],
    [{ direction: 'reply', state: 'established,new' }, 0b1000, 0],
    [{ direction: 'original,reply' }, 0b11111, 0],
    [{ newOnly: true }, 0b110, 1],
    [{ newOnly: true, state: 'related' }, 0b10, 1],
    [{}, 0, 0],
  ])('have states and directions as a mask of ctinfo: %o', (words, ctinfos, newOnly) => {
    const view = bytesOf(words);
    expect(view.getUint16(filterTerms.ctinfos, true)).toBe(ctinfos);
    expect(view.getUint8(filterTerms.newOnly)).toBe(newOnly);
    expect(view.getUint8(filterTerms.byPacket)).toBe(ctinfos === 0 ? 0 : 1);
  });

  it('leave flows whole where only hooks are asked for', () => {
    expect(bytesOf({ hook: 'forward' }).getUint8(filterTerms.byPacket)).toBe(0);
  });
});
