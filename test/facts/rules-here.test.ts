/** Against the kernel and the tools of this machine, in namespaces of its own. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { netnsPath, ownNetns } from '../../src/kernel/netns.ts';
import { readRuleset } from '../../src/kernel/rules.ts';
import { hasTool } from '../../src/kernel/tool.ts';
import { readLegacyTable } from '../../src/libbpf/legacy-table.ts';
import type { Action, Chain, Ruleset } from '../../src/model/ruleset.ts';
import { type NetnsHere, openNetns } from './netns-here.ts';

const KUBE = readFileSync(new URL('fixtures/kube.save', import.meta.url), 'utf8');

let netns: NetnsHere | undefined;
beforeEach(async () => {
  netns = await openNetns();
});
afterEach(() => netns?.close());

/** The namespace with rules loaded in it; skips where this machine cannot. */
function loaded(context: TestContext, tools: readonly string[], script: string): NetnsHere {
  if (netns === undefined) context.skip('needs root and network namespaces: unshare -n');
  for (const tool of tools) if (!hasTool(tool)) context.skip(`needs ${tool}`);
  try {
    netns.run(script);
  } catch (error) {
    context.skip(`this kernel refuses the rules: ${error}`);
  }
  return netns;
}

function read({ inode }: NetnsHere): Ruleset {
  return readRuleset({ netns: inode, readTable: readLegacyTable });
}

function chainOf({ chains }: Ruleset, name: string, backend?: Chain['backend']): Chain {
  const found = chains.find(
    (chain) => chain.name === name && (backend === undefined || chain.backend === backend),
  );
  expect(found, `chain ${name}`).toBeDefined();
  return found!;
}

function heredoc(tool: string, text: string): string {
  return `${tool} <<'END'\n${text}\nEND\n`;
}

const PROXY = `table ip kube-proxy {
  map service-ips {
    type ipv4_addr . inet_proto . inet_service : verdict
    elements = { 10.96.0.1 . tcp . 443 : goto service-x, 10.96.0.2 . udp . 53 : drop }
  }
  map endpoints {
    type inet_service : ipv4_addr . inet_service
    elements = { 7070 : 10.244.1.8 . 8080 }
  }
  chain endpoint-a {
    ip saddr 10.244.1.5 jump mark-for-masquerade
    meta l4proto tcp counter dnat to 10.244.1.5:8443
  }
  chain endpoint-b {
    meta l4proto tcp dnat to 10.244.1.6:8443
  }
  chain mark-for-masquerade {
    meta mark set meta mark | 0x4000
  }
  chain service-x {
    ip saddr != 10.244.0.0/16 jump mark-for-masquerade
    numgen random mod 2 vmap { 0 : goto endpoint-a, 1 : goto endpoint-b }
  }
  chain nat-prerouting {
    type nat hook prerouting priority dstnat;
    ip daddr . meta l4proto . th dport vmap @service-ips
    dnat ip to tcp dport map @endpoints
  }
  chain nat-postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    meta mark & 0x4000 == 0 return
    meta mark set meta mark ^ 0x4000
    masquerade fully-random
  }
  chain unused {
    accept
  }
}`;

describe('rules of nft on this machine', () => {
  it('are read as kube-proxy writes them', (context) => {
    const here = loaded(context, ['nft'], heredoc('nft -f -', PROXY));
    const rules = read(here);
    expect(rules).toMatchObject({ netns: here.inode, notes: [] });
    expect(rules.chains.map(({ name }) => name).sort()).toEqual([
      'endpoint-a',
      'endpoint-b',
      'mark-for-masquerade',
      'nat-postrouting',
      'nat-prerouting',
      'service-x',
    ]);
    const { rules: entry, tableHandle } = chainOf(rules, 'nat-prerouting');
    expect(here.run('nft -a list table ip kube-proxy')).toContain(`{ # handle ${tableHandle}\n`);
    const [services] = entry[0]!.actions as [Extract<Action, { does: 'verdict map' }>];
    expect(services.fields).toEqual(['dst', 'protocol', 'dst_port']);
    expect(services.elements).toContainEqual({
      key: [
        ['10.96.0.1', '10.96.0.1'],
        ['6', '6'],
        ['443', '443'],
      ],
      action: { does: 'goto', chain: 'service-x' },
    });
    expect(entry[1]).toMatchObject({
      terms: [{ fields: ['protocol'], any: [[['6', '6']]] }],
      actions: [
        {
          does: 'nat map',
          fields: ['dst_port'],
          elements: [{ key: [['7070', '7070']], to: { ports: [['8080', '8080']] } }],
        },
      ],
    });
    expect(chainOf(rules, 'nat-postrouting').rules).toMatchObject([
      { terms: [{ fields: ['mark'], any: [[['0', '0']]], mask: 0x4000 }] },
      { actions: [{ does: 'mark', mask: 0, value: 0x4000 }] },
      { actions: [{ kind: 'masquerade' }] },
    ]);
    const dnat = chainOf(rules, 'endpoint-a').rules[1]!;
    expect(dnat).toMatchObject({
      text: expect.stringContaining('dnat to 10.244.1.5:8443'),
      packets: 0,
    });
    expect(here.run('nft -a list chain ip kube-proxy endpoint-a')).toMatch(
      new RegExp(`dnat to 10.244.1.5:8443 # handle ${dnat.handle}\n`),
    );
  });

  it('stand in the order in which the kernel asks base chains of equal priority', (context) => {
    const chain = (name: string, port: number) =>
      `table ip ${name} {\n chain c${port} {\n type nat hook output priority -100;\n` +
      `udp dport 5555 counter redirect to :${port}\n}\n}\n`;
    const tables = chain('a', 1001) + chain('b', 1002) + chain('b', 1003);
    const here = loaded(context, ['nft', 'bash'], heredoc('nft -f -', tables));
    here.run('ip link set lo up; bash -c "echo x > /dev/udp/127.0.0.1/5555"');
    const asked = read(here).chains.map(({ name, rules }) => [name, rules[0]?.packets]);
    expect(asked).toEqual([
      ['c1003', 1],
      ['c1002', 0],
      ['c1001', 0],
    ]);
  });

  it('are read in seconds where there are ten thousand', (context) => {
    const rules = Array.from(
      { length: 10_000 },
      (_, n) =>
        `ip saddr 10.0.${n >> 8}.${n & 255} tcp dport ${n + 1} counter dnat to 10.1.1.1:${n + 1}`,
    );
    const table = `table ip t {\n chain c {\n type nat hook prerouting priority -100;\n${rules.join('\n')}\n}\n}`;
    const here = loaded(context, ['nft'], heredoc('nft -f -', table));
    const start = performance.now();
    const [chain] = read(here).chains;
    expect(performance.now() - start).toBeLessThan(15_000);
    expect(chain?.rules).toHaveLength(10_000);
    expect(chain?.rules[9_999]).toMatchObject({
      number: 10_000,
      actions: [{ ports: [['10000', '10000']] }],
    });
  }, 60_000);
});

/** What both kinds of iptables say of the rules of kube.save. */
function expectKube(rules: Ruleset, backend: Chain['backend']): void {
  const own = rules.chains.filter((chain) => chain.backend === backend && chain.family === 'ip');
  expect(own.map(({ name }) => name).sort()).toEqual(
    'INPUT KUBE-MARK-MASQ KUBE-POSTROUTING KUBE-SEP-A KUBE-SEP-B KUBE-SERVICES KUBE-SVC-X OUTPUT POSTROUTING PREROUTING'.split(
      ' ',
    ),
  );
  for (const { name, rules } of own) {
    const saved = KUBE.split('\n').filter((line) => line.startsWith(`-A ${name} `));
    expect(rules.map(({ text }) => `-A ${name} ${text}`)).toEqual(saved);
    expect(rules.map(({ number }) => number)).toEqual(saved.map((_, index) => index + 1));
  }
  expect(chainOf(rules, 'KUBE-POSTROUTING', backend).rules).toMatchObject([
    {
      terms: [{ fields: ['mark'], any: [[['16384', '16384']]], not: true, mask: 0x4000 }],
      actions: [{ does: 'return' }],
    },
    { actions: [{ does: 'mark', mask: 0, value: 0x4000 }] },
    { actions: [{ kind: 'masquerade', manip: 'src' }] },
  ]);
  expect(chainOf(rules, 'KUBE-SVC-X', backend).rules[1]?.terms).toEqual([
    { unknown: '-m statistic --mode random --probability 0.50000000000' },
  ]);
}

describe('rules of iptables in nf_tables on this machine', () => {
  const TOOLS = ['nft', 'iptables-nft-save'];

  it('have the words of iptables and the handles of nft', (context) => {
    const here = loaded(context, TOOLS, heredoc('iptables-nft-restore', KUBE));
    const rules = read(here);
    expect(rules.notes).toEqual([]);
    expectKube(rules, 'iptables-nft');
    const handles = rules.chains.flatMap((chain) => chain.rules.map(({ handle }) => handle));
    expect(new Set(handles).size).toBe(handles.length);
    const { handle } = chainOf(rules, 'KUBE-SEP-B').rules[1]!;
    here.run(`nft delete rule ip nat KUBE-SEP-B handle ${handle}`);
    expect(here.run('iptables-nft-save -t nat')).not.toContain('10.244.1.6:8443');
    expect(chainOf(read(here), 'KUBE-SEP-B').rules).toHaveLength(1);
  });

  it('are told without terms where nft has changed their table', (context) => {
    const script = `${heredoc('iptables-nft-restore', KUBE)}nft add rule ip nat OUTPUT tcp dport 7 redirect to :77`;
    const rules = read(loaded(context, TOOLS, script));
    expect(rules.notes).toEqual([
      'table ip nat: rules of iptables stand without terms: iptables-nft-save cannot read the whole table',
    ]);
    expect(chainOf(rules, 'KUBE-SEP-B').rules[1]?.terms).toContainEqual({
      unknown: 'xt target DNAT',
    });
    expect(chainOf(rules, 'OUTPUT').rules[1]?.actions).toMatchObject([{ kind: 'redirect' }]);
  });
});

describe('rules of legacy iptables on this machine', () => {
  const TOOLS = ['iptables-legacy-save'];
  const V6 = `*nat
:OUTPUT ACCEPT [0:0]
:SUB - [0:0]
-A OUTPUT -d fd00::/64 -p tcp -m tcp --dport 80 -j SUB
-A SUB -p tcp -j DNAT --to-destination [fd00::7]:8080
COMMIT`;

  it('have the places of their entries', (context) => {
    const script =
      heredoc('iptables-legacy-restore', KUBE) + heredoc('ip6tables-legacy-restore', V6);
    const here = loaded(context, TOOLS, script);
    const own = ownNetns();
    const rules = read(here);
    expect(ownNetns()).toBe(own);
    expect(rules.notes).toEqual([]);
    expectKube(rules, 'legacy');
    expect(offsetsOf(rules, 'ip').length).toBe(15);
    expect(offsetsOf(rules, 'ip6').length).toBe(2);
  });

  it('move by the length of an entry that is put before them', (context) => {
    const here = loaded(context, TOOLS, heredoc('iptables-legacy-restore', KUBE));
    const before = chainOf(read(here), 'KUBE-SEP-A').rules.map(({ offset }) => offset!);
    here.run('iptables-legacy -t nat -I PREROUTING -j RETURN'); // 112 + 40 bytes
    const after = chainOf(read(here), 'KUBE-SEP-A').rules.map(({ offset }) => offset!);
    expect(after).toEqual(before.map((offset) => offset + 152));
  });

  it('are not asked for where there are none: that would create the table', (context) => {
    const here = loaded(context, TOOLS, 'true');
    expect(read(here)).toMatchObject({ chains: [], notes: [] });
    expect(here.run('cat /proc/net/ip_tables_names 2>/dev/null || true')).not.toContain('nat');
  });
});

function offsetsOf(rules: Ruleset, family: string): number[] {
  const own = rules.chains.filter((chain) => chain.backend === 'legacy' && chain.family === family);
  const offsets = own.flatMap((chain) => chain.rules.map(({ offset }) => offset!));
  for (const chain of own) {
    const listed = chain.rules.map(({ offset }) => offset!);
    expect(listed).toEqual(listed.toSorted((a, b) => a - b));
  }
  expect(new Set(offsets).size).toBe(offsets.length);
  expect(offsets.every((offset) => offset % 8 === 0)).toBe(true);
  return offsets;
}

describe('a network namespace', () => {
  it('is found by a process that is in it', (context) => {
    const here = loaded(context, [], 'true');
    expect(netnsPath(here.inode)).toBe(here.path);
  });

  it('that nothing leads to is named', () => {
    expect(() => netnsPath(7)).toThrow('network namespace 7: no name and no process leads there');
  });

  it('that cannot be entered keeps its table', (context) => {
    if (process.getuid?.() !== 0) context.skip('needs root');
    expect(() => readLegacyTable('ip', 'nat', '/nonexistent')).toThrow(
      'read the ip table nat of iptables: ENOENT',
    );
  });
});
