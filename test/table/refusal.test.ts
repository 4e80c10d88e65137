import { describe, expect, it } from 'vitest';
import { newRow } from '../../src/table/entry-build.ts';
import { changedRow, isChange } from '../../src/table/entry-change.ts';
import { wordsOfLine } from '../../src/table/entry-line.ts';
import { refuseUnsettable } from '../../src/table/entry-status.ts';
import { LABELS_RULE, refusalOf } from '../../src/table/refusal.ts';

const UDP = '-A -t 120 -s 10.0.0.1 -d 10.0.0.2 -p udp --sport 1001 --dport 53';
const ICMP = '-A -t 120 -s 10.0.0.1 -d 10.0.0.2 -p icmp --icmp-type 3';

describe('a refusal of the kernel', () => {
  const of = (errno: string, kind: 'insert' | 'update' | 'delete', line: string) =>
    refusalOf(errno, kind, { words: newRow(wordsOfLine(line)), at: 0 });

  it.each([
    ['EEXIST', 'insert', UDP, /^an entry has its original or its reply tuple already \(EEXIST\)$/],
    ['EINVAL', 'insert', ICMP, /entries of ICMP for queries and their answers only/],
    ['EINVAL', 'insert', `${UDP} -w 5 --orig-zone 6`, /one zone: of both directions or of one/],
    ['EINVAL', 'insert', `${UDP} -w 5`, /^the kernel takes no such entry \(EINVAL\)$/],
    ['EOPNOTSUPP', 'insert', `${UDP} --helper tftp`, /^no helper of that name is loaded for its/],
    ['EOPNOTSUPP', 'update', `${UDP} --helper tftp`, /the entry was made without a helper/],
    ['EOPNOTSUPP', 'insert', `${UDP} -w 5`, /CONFIG_NF_CONNTRACK_ZONES/],
    ['EOPNOTSUPP', 'insert', `${UDP} --src-nat 9.9.9.9`, /^NAT is not loaded/],
    ['EBUSY', 'update', `${UDP} --helper tftp`, /^another helper is at work on it/],
    ['EBUSY', 'update', UDP, /a bit of its status/],
    ['EBUSY', 'delete', UDP, /^a flowtable has it/],
    ['ENOSPC', 'update', `${UDP} --label-add 7`, /no room for labels/],
    ['ENOSPC', 'insert', `${UDP} --label-add 7`, /too many entries share its place/],
    ['EPERM', 'update', UDP, /timeout is fixed/],
    ['ENOMEM', 'insert', UDP, /^the table is full \(ENOMEM\)$/],
    ['ERANGE', 'insert', UDP, /larger than this kernel takes/],
    ['EIO', 'insert', UDP, /^EIO$/],
  ] as const)('%s of %s, %s, is said in words', (errno, kind, line, text) => {
    expect(of(errno, kind, line).text).toMatch(text);
  });

  it('has a hint that fits', () => {
    expect(of('EOPNOTSUPP', 'insert', `${UDP} --helper netbios-ns`).hint).toBe(
      'modprobe nf_conntrack_netbios_ns',
    );
    expect(of('EOPNOTSUPP', 'insert', `${UDP} --helper constructor`).hint).toBe(
      'one of its helpers: amanda, netbios-ns, RAS, sip, snmp, tftp',
    );
    expect(of('EOPNOTSUPP', 'insert', `${UDP} --helper ftp`).hint).toMatch(/^one of its helpers: /);
    expect(of('ENOSPC', 'update', `${UDP} --label-add 7`).hint).toBe(LABELS_RULE);
    expect(of('EEXIST', 'insert', UDP)).not.toHaveProperty('hint');
  });
});

describe('a status', () => {
  it.each([
    ['update', 'UNSET', 'no bit is ever taken back'],
    ['update', 'OFFLOAD', 'the kernel alone sets others'],
    ['update', 'ASSURED,EXPECTED', 'the kernel alone sets others'],
    ['insert', 'HW_OFFLOAD', 'the kernel alone sets others'],
  ] as const)('that no %s sets is refused: %s', (kind, text, why) => {
    expect(() => refuseUnsettable(kind, text)).toThrow(
      `--status: found "${text}", needed some of SEEN_REPLY, ASSURED, FIXED_TIMEOUT: ${why}`,
    );
  });

  it('that can be set may be in small letters', () => {
    expect(() => refuseUnsettable('update', 'assured,Seen_Reply')).not.toThrow();
    expect(() => refuseUnsettable('insert', 'UNSET')).not.toThrow();
    expect(() => refuseUnsettable('update', undefined)).not.toThrow();
  });
});

describe('a change', () => {
  const row = newRow(wordsOfLine(`${UDP} -u ASSURED -m 7 --label-add 3,77 --helper tftp`));
  const changes = (given: Parameters<typeof changedRow>[2]): boolean =>
    isChange(row, 0, changedRow(row, 0, given));

  it.each([
    [{ mark: '7' }, false],
    [{ mark: '8' }, true],
    [{ mark: '0/0xf0' }, false],
    [{ status: 'ASSURED' }, false],
    [{ status: 'ASSURED,SEEN_REPLY' }, true],
    [{ status: 'FIXED_TIMEOUT' }, true],
    [{ labelAdd: '77' }, false],
    [{ labelAdd: '78' }, true],
    [{ labelDel: '78' }, false],
    [{ labelDel: '3' }, true],
    [{ labelDel: '' }, true],
    [{ helper: 'tftp' }, false],
    [{ helper: 'ftp' }, true],
    [{ timeout: '120' }, true],
    [{ mark: '7', status: 'SEEN_REPLY' }, true],
  ] as const)('%j of what is there already is none: %s', (given, wanted) => {
    expect(changes(given)).toBe(wanted);
  });
});
