/** Entries put into a real table, printed in every form, and read again. */
import { afterAll, describe, expect, it } from 'vitest';
import { hasTool } from '../../src/kernel/tool.ts';
import type { Entry } from '../../src/model/entry.ts';
import { explainPasted } from '../../src/table/explain-record.ts';
import type { EntryRecord } from '../../src/table/parse-entry.ts';
import { parseText } from '../../src/table/parse-text.ts';
import { openNetns } from '../facts/netns-here.ts';
import { INSERTED, type Inserted, insertArguments } from './inserted.ts';

const FORMS = [
  '',
  'extended',
  'id',
  'ktimestamp',
  'extended,id,ktimestamp',
  'xml',
  'save',
  '/proc',
];
const LATE_S = 120;

const netns = hasTool('conntrack') ? await openNetns() : undefined;
afterAll(() => netns?.close());

function entriesOf(text: string): EntryRecord[] {
  return [...parseText(text)].map(({ record }) => {
    if (record.kind !== 'entry') expect.fail(JSON.stringify(record));
    return record;
  });
}

/** What no two of the inserted ones have in common. */
function keyOf({ protocol, original }: Pick<Entry, 'protocol' | 'original'>): string {
  return `${protocol} ${original.src} ${original.srcPort}`;
}

function listing(form: string): string {
  if (form === '/proc') return netns!.run('cat /proc/net/nf_conntrack');
  return netns!.run(`conntrack -L ${form === '' ? '' : `-o ${form}`} 2>/dev/null`);
}

function expectSame(record: EntryRecord, one: Inserted, form: string): void {
  const { entry } = record;
  const numbers = record.hasNumbers ? {} : { srcPort: 0, dstPort: 0 };
  expect(entry).toMatchObject({
    family: one.original.src.includes(':') ? 6 : 4,
    protocol: one.protocol,
    original: { ...one.original, ...numbers },
    reply: { ...one.reply, ...numbers },
    zones: one.zones ?? [0, 0],
    mark: form === 'save' ? 0 : (one.mark ?? 0),
  });
  expect(record.state).toBe(one.state ?? null);
  expect(record.isReplied).toBe(one.status !== undefined);
  expect(record.isAssured).toBe(one.status === 'SEEN_REPLY,ASSURED');
  expect(entry.timeoutS).toBeLessThanOrEqual(one.timeoutS);
  expect(entry.timeoutS).toBeGreaterThan(one.timeoutS - LATE_S);
  expect(record.more).toEqual([]);
}

describe.skipIf(netns === undefined)('entries of the kernel', () => {
  if (netns !== undefined) {
    netns.run(
      'sysctl -qw net.netfilter.nf_conntrack_acct=1 net.netfilter.nf_conntrack_timestamp=1',
    );
    netns.run(INSERTED.map((one) => `${insertArguments(one)} >/dev/null`).join('\n'));
  }

  it.each(FORMS)('are what was inserted, as `conntrack -L -o %s` prints them', (form) => {
    const found = new Map(entriesOf(listing(form)).map((record) => [keyOf(record.entry), record]));
    for (const one of INSERTED) {
      const isNumbered = form !== 'xml' || (one.protocol !== 1 && one.protocol !== 58);
      const original = isNumbered ? one.original : { ...one.original, srcPort: 0 };
      const record = found.get(keyOf({ ...one, original }));
      if (record === undefined) expect.fail(`${form}: ${insertArguments(one)} is missing`);
      expectSame(record, one, form);
    }
    expect(found.size).toBe(INSERTED.length);
  });

  it('have accounting, times and ids where the form prints them', () => {
    const [record] = entriesOf(listing('extended,id,ktimestamp'));
    expect(record?.entry).toMatchObject({ packets: [0, 0], bytes: [0, 0] });
    expect(record?.entry.ageS).toBeLessThan(LATE_S);
    expect(record?.startedAt).toMatch(/^\w{3} \w{3} +\d+ \d\d:\d\d:\d\d \d{4}$/);
    expect(record?.id).toBeGreaterThan(0);
    const [xml] = entriesOf(listing('xml,ktimestamp'));
    expect(xml).toMatchObject({ id: record?.id, use: 1, entry: { packets: [0, 0] } });
    expect(xml?.startedAt ?? '').toMatch(/^(\d{19})?$/);
  });

  it('are found, and deleted, one by one by the commands that their explanation names', () => {
    // those of GRE are conntrail's own: test/policy/table-explain-commands.test.ts
    const isTheirs = ({ look }: { look: string | null }) => look?.startsWith('conntrack ');
    netns!.run('conntrack -D -p gre 2>/dev/null >&2');
    for (const form of ['save', '']) {
      const explained = [...explainPasted(listing(form))];
      expect(explained).toHaveLength(INSERTED.filter(({ protocol }) => protocol !== 47).length);
      expect(explained.every(isTheirs)).toBe(true);
      for (const { look } of explained) {
        const shown = netns!.run(`${look} 2>/dev/null`);
        expect(shown.trim().split('\n'), String(look)).toHaveLength(1);
      }
    }
    for (const { delete: command } of [...explainPasted(listing(''))]) {
      expect(netns!.run(`${command} 2>&1 >/dev/null`)).toContain(': 1 flow entries');
    }
    expect(netns!.run('conntrack -C').trim()).toBe('0');
  });
});

describe.skipIf(netns === undefined)('flows of the kernel', () => {
  it('have labels and helpers, and what a helper expects', () => {
    const told = netns!.run(FTP);
    const records = [...parseText(told)].map(({ record }) => record);
    const control = records.filter((one) => one.kind === 'entry' && one.helper === 'ftp');
    expect(control.length).toBeGreaterThan(1);
    expect(control[0]).toMatchObject({ entry: { mark: 16, protocol: 6 } });
    const labelled = records.filter((one) => one.kind === 'entry' && one.labels !== null);
    expect(labelled.map((one) => (one.kind === 'entry' ? one.labels : null))).toContainEqual([
      'one',
    ]);
    const expectations = records.filter((one) => one.kind === 'expectation');
    expect(expectations.length).toBe(3); // as text, as XML, of /proc
    for (const one of expectations) {
      expect(one).toMatchObject({
        ...{ protocol: 6, helper: 'ftp' },
        expected: { src: '127.0.0.1', dst: '127.0.0.1', srcPort: null, dstPort: 51210 },
      });
    }
    expect(records.filter(({ kind }) => kind === 'unknown')).toEqual([]);
  });
});

/** A talk of ftp in which the client offers port 200 * 256 + 10, and all listings while it goes on. */
const FTP = `
ip link set lo up
nft -f - <<RULES
table ip t {
  ct helper f {
    type "ftp" protocol tcp;
  }
  chain o {
    type filter hook output priority -150
    tcp dport 2121 ct helper set "f"
    tcp dport 2121 ct label set 1
    ct mark set 16
  }
}
RULES
unshare -m sh -es <<'INNER'
mount -t tmpfs none /etc
mkdir /etc/xtables
echo '1 one' > /etc/xtables/connlabel.conf
exec ${process.execPath} -e '
const net = require("net");
const { execSync } = require("child_process");
const list = (command) => process.stdout.write(execSync(command + " 2>/dev/null"));
const lines = ["USER x\\r\\n", "PORT 127,0,0,1,200,10\\r\\n"];
const server = net.createServer((socket) => {
  socket.write("220 here\\r\\n");
  socket.on("data", (data) => {
    if (String(data).startsWith("USER")) return socket.write("331 go on\\r\\n");
    list("conntrack -L -o labels,extended");
    list("conntrack -L -o xml,labels");
    list("conntrack -L expect");
    list("conntrack -L expect -o xml");
    list("cat /proc/net/nf_conntrack_expect");
    process.exit(0);
  });
});
server.listen(2121, "127.0.0.1", () => {
  const client = net.connect(2121, "127.0.0.1");
  client.on("data", () => client.write(lines.shift()));
});
'
INNER
`;
