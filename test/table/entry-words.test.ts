import { describe, expect, it } from 'vitest';
import { addressText } from '../../src/model/address.ts';
import { ENTRY_WORDS, EntryHas, EntryWord } from '../../src/model/entry-row.ts';
import { TraceError } from '../../src/model/error.ts';
import { newRow } from '../../src/table/entry-build.ts';
import { changedRow } from '../../src/table/entry-change.ts';
import { wordsOfLine } from '../../src/table/entry-line.ts';
import type { EntryWords } from '../../src/table/entry-options.ts';
import { prefixOf } from '../../src/table/entry-values.ts';
import { entryFilter } from '../../src/table/filter-words.ts';
import { saveLine } from '../../src/table/show-save.ts';
import { seeded } from '../wire/random.ts';

const LINES = [
  '-A -t 432000 -u SEEN_REPLY,ASSURED -m 7 -s 10.0.0.1 -d 192.0.2.1 -r 192.0.2.1 -n 198.51.100.1 -p tcp --sport 5000 --dport 80 --reply-port-src 80 --reply-port-dst 40000 --state ESTABLISHED --label-add 3,77',
  '-A -t 30 -u UNSET --orig-zone 5 -s fd00::1 -d fd00::2 -r fd00::2 -q fd00::1 -p udp --sport 1 --dport 53 --reply-port-src 53 --reply-port-dst 1',
  '-A -t 30 -u UNSET -w 9 -s 10.0.0.1 -d 10.0.0.2 -g 10.0.0.9 -q 10.0.0.1 -p icmp --icmp-type 8 --icmp-code 0 --icmp-id 77',
  '-A -t 180 -u SEEN_REPLY -s 10.0.0.1 -d 10.0.0.2 -r 10.0.0.2 -q 10.0.0.1 -p gre --srckey 1 --dstkey 2 --reply-key-src 2 --reply-key-dst 1 --helper pptp',
  '-A -t 9 -u UNSET -s 10.0.0.1 -d 10.0.0.2 -r 10.0.0.2 -q 10.0.0.1 -p sctp --sport 5 --dport 6 --reply-port-src 6 --reply-port-dst 5 --state COOKIE_WAIT --orig-vtag 4294967295 --reply-vtag 1',
];

/** As the kernel would list it: the bits that it sets where it translates. */
function listed(line: string): Int32Array {
  const row = newRow(wordsOfLine(line));
  const has = row[EntryWord.has]!;
  row[EntryWord.status]! |= (has & EntryHas.srcNat ? 16 : 0) | (has & EntryHas.dstNat ? 32 : 0);
  return row;
}

describe('a line of save', () => {
  it.each(LINES)('is what its entry is written as: %s', (line) => {
    const row = listed(line);
    expect(saveLine(row, new Uint8Array(row.buffer), 0, true)).toBe(line);
  });

  it.each([
    ['-A -s', 'found -s at the end of a line, needed a value behind it'],
    ['-A nonsense', 'found "nonsense", needed an option of conntrack(8)'],
    ['', 'found "", needed an option of conntrack(8)'],
  ])('is refused where it is none: %j', (line, message) => {
    expect(() => wordsOfLine(line)).toThrow(message);
  });

  it('of whatever bytes gives an entry or one clear line', () => {
    const random = seeded(5);
    const words = LINES.flatMap((line) => line.split(' '));
    const other = ['', '-', '--', '-x', '99999999999', '-1', '0x', 'é\u0000', '::', '1.2.3', '/'];
    let refused = 0;
    for (let turn = 0; turn < 5000; turn++) {
      const parts = random.pick(LINES).split(' ');
      for (let change = random.below(4); change > 0; change--) {
        parts[random.below(parts.length)] = random.pick(random.below(2) ? words : other);
      }
      try {
        expect(newRow(wordsOfLine(parts.join(' ')))).toHaveLength(ENTRY_WORDS);
      } catch (error) {
        if (!(error instanceof TraceError)) throw error;
        expect(error.message).toMatch(/^(found|--)[^\n]+ needed [^\n]+$/s);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(1000);
    expect(refused).toBeLessThan(4900);
  });
});

describe('a prefix', () => {
  it.each([
    ['10.0.0.0/8', '::ff00:0'],
    ['10.0.0.1', '::ffff:ffff'],
    ['10.0.0.0/0', '::'],
    ['10.0.0.0/255.255.0.0', '::ffff:0'],
  ])('of IPv4, %s, has its mask at the end', (text, low) => {
    const { mask, family } = prefixOf('orig-src', text);
    expect(family).toBe(4);
    expect([...mask.subarray(0, 12)]).toEqual(Array<number>(12).fill(255));
    const tail = mask.slice();
    tail.fill(0, 0, 12);
    expect(addressText(tail)).toBe(low);
  });

  it('of IPv6 counts from the front', () => {
    expect(addressText(prefixOf('orig-src', 'fd00::/17').mask)).toBe('ffff:8000::');
  });

  it.each([
    ['10.0.0.0/33', 'needed a prefix of up to 32 bits'],
    ['fd00::/129', 'needed a prefix of up to 128 bits'],
    ['10.0.0.0/8/8', 'needed an address or a prefix'],
    ['10.0.0', 'needed an address'],
    ['10.0.0.0/fd00::', 'needed a mask of the same family'],
  ])('is refused: %s', (text, message) => {
    expect(() => prefixOf('orig-src', text)).toThrow(message);
  });
});

describe('a filter', () => {
  const rows = LINES.map(listed);
  const matching = (given: EntryWords): number[] => {
    const filter = entryFilter(given);
    return rows.flatMap((row, index) => (filter.matches(row, 0) ? [index] : []));
  };

  it.each([
    [{}, [0, 1, 2, 3, 4]],
    [{ sport: '5' }, [4]],
    [{ sport: '77' }, []],
    [{ dport: '80' }, [0]],
    [{ dport: '2048' }, []],
    [{ state: 'established' }, [0]],
    [{ protonum: 'sctp', state: 'COOKIE_WAIT' }, [4]],
    [{ icmpType: '8' }, [2]],
    [{ icmpId: '77' }, [2]],
    [{ dstkey: '2' }, [3]],
    [{ label: '77' }, [0]],
    [{ label: '77,4' }, []],
    [{ srcNat: '' }, [0]],
    [{ dstNat: '' }, [2]],
    [{ anyNat: '' }, [0, 2]],
    [{ srcNat: '198.51.100.1:40000' }, [0]],
    [{ srcNat: '198.51.100.1:4' }, []],
    [{ dstNat: '10.0.0.9' }, [2]],
    [{ zone: '9' }, [2]],
    [{ origZone: '5' }, [1]],
    [{ family: 'ipv6' }, [1]],
    [{ status: 'UNSET' }, [1, 2, 4]],
  ] as const)('%j matches entries %j', (given, wanted) => {
    expect(matching(given)).toEqual(wanted);
  });

  it('says of which family it asks, and when it asks for nothing', () => {
    expect(entryFilter({ origSrc: 'fd00::/8' })).toMatchObject({ family: 6, isAll: false });
    expect(entryFilter({})).toMatchObject({ family: 0, isAll: true });
  });

  it.each([
    [
      { origSrc: '10.0.0.1', origDst: 'fd00::1' },
      'needed an address of ipv4, as another option says',
    ],
    [{ family: 'ipv6', srcNat: '10.0.0.1' }, 'needed an address of ipv6, as another option says'],
    [{ mark: '0x10/0xf' }, 'needed a value within its mask'],
    [{ mark: 'x' }, 'needed value or value/mask, each from 0 to 0xffffffff'],
    [{ anyNat: '', srcNat: '' }, 'needed neither --src-nat nor --dst-nat beside it'],
    [
      { protonum: 'udp', state: 'ESTABLISHED' },
      'found --state with udp, needed what it has: --sport',
    ],
    [{ state: 'MOVED' }, 'needed one of NONE, SYN_SENT'],
    [{ status: 'GONE' }, 'needed some of ASSURED, SEEN_REPLY'],
    [{ zone: '65536' }, 'needed a number from 0 to 65535'],
  ] as const)('%j is refused', (given, message) => {
    expect(() => entryFilter(given)).toThrow(message);
  });
});

describe('a change', () => {
  it('names the entry, and holds what shall be other', () => {
    const row = listed(LINES[0]!);
    const changed = changedRow(row, 0, { mark: '0x30/0xf0', labelAdd: '5', labelDel: '3' });
    expect(changed[EntryWord.mark]).toBe(0x37);
    expect(changed[EntryWord.labels]).toBe(1 << 5);
    expect(changed[EntryWord.labelsMask]).toBe((1 << 5) | (1 << 3));
    const { orig, origPorts, mark, labels, labelsMask } = EntryHas;
    expect(changed[EntryWord.has]).toBe(orig | origPorts | mark | labels | labelsMask);
    expect(row[EntryWord.mark]).toBe(7);
  });

  it('without a list takes all labels away', () => {
    const changed = changedRow(listed(LINES[0]!), 0, { labelDel: '' });
    expect([...changed.subarray(EntryWord.labels, EntryWord.helper)]).toEqual([0, 0, 0, 0]);
    const mask = changed.subarray(EntryWord.labelsMask, EntryWord.labelsMask + 4);
    expect([...mask]).toEqual([-1, -1, -1, -1]);
  });
});
