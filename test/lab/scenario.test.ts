import { describe, expect, it } from 'vitest';
import type { Step } from '../../src/lab/scenario.ts';
import { openScenario, scenarioNames, scenarioPath } from '../../src/lab/scenario-file.ts';
import { parseScenario } from '../../src/lab/scenario-parse.ts';

const HEAD = 'title: T\nwhy: W\ntopology: routed\n';
const parse = (rest: string) => parseScenario(HEAD + rest, 'x.yaml');

it('reads every kind of step', () => {
  const { traffic } = parse(`traffic:
  - tcp: { from: client, to: "10.0.1.1:8080", listen: "server 203.0.113.2:80", flows: 4, send: 3 }
  - udp: { from: client, to: "[fd00:2::2]:53", send: 5, reply: true, source: fd00:1::7, source_port: 5001, bytes: 4001, tos: 96, ttl: 2 }
  - udplite: { from: client, to: "203.0.113.2:7501", listen: "server 203.0.113.2:7502", send: 6, reply: true }
  - sctp: { from: client, to: "[fd00:2::2]:7511", flows: 8 }
  - ping: { from: client, to: fd00:2::2, count: 7 }
  - together:
      - flood: { from: client, to: "203.0.113.2:9", count: 100000, bytes: 64 }
      - raw_tcp: { from: client, to: "203.0.113.2:80", source_port: 6001, flags: SYN+FIN }
  - run: { in: router, command: "nft list ruleset" }
`);
  const messages = {
    from: 'client',
    listen: undefined,
    flows: 1,
    send: 1,
    source: undefined,
    sourcePort: undefined,
    bytes: 32,
    tos: undefined,
    ttl: undefined,
  };
  expect(traffic).toEqual([
    {
      kind: 'tcp',
      from: 'client',
      to: { address: '10.0.1.1', port: 8080 },
      listen: { namespace: 'server', address: '203.0.113.2', port: 80 },
      flows: 4,
      send: 3,
      reply: true,
      source: undefined,
      sourcePort: undefined,
      bytes: 32,
      tos: undefined,
      ttl: undefined,
    },
    {
      kind: 'udp',
      from: 'client',
      to: { address: 'fd00:2::2', port: 53 },
      listen: undefined,
      flows: 1,
      send: 5,
      reply: true,
      source: 'fd00:1::7',
      sourcePort: 5001,
      bytes: 4001,
      tos: 96,
      ttl: 2,
    },
    {
      ...messages,
      kind: 'udplite',
      to: { address: '203.0.113.2', port: 7501 },
      listen: { namespace: 'server', address: '203.0.113.2', port: 7502 },
      send: 6,
      reply: true,
    },
    {
      ...messages,
      kind: 'sctp',
      to: { address: 'fd00:2::2', port: 7511 },
      flows: 8,
      reply: true, // as TCP, and unlike the datagrams
    },
    { kind: 'ping', from: 'client', to: 'fd00:2::2', flows: 1, count: 7, unanswered: false },
    {
      kind: 'together',
      steps: [
        {
          kind: 'flood',
          from: 'client',
          to: { address: '203.0.113.2', port: 9 },
          count: 100_000,
          bytes: 64,
          sourcePort: undefined,
        },
        {
          kind: 'raw_tcp',
          from: 'client',
          to: { address: '203.0.113.2', port: 80 },
          sourcePort: 6001,
          flags: 3,
          sequence: 1000,
          count: 1,
        },
      ],
    },
    { kind: 'run', in: 'router', command: 'nft list ruleset' },
  ] satisfies Step[]);
});

describe('refuses, naming file, line, key, found and needed,', () => {
  const cases: [string, string, string][] = [
    ['an unknown key', 'trafic: []', 'x.yaml:4: trafic: found [], needed no such key; title, why,'],
    ['no traffic', '', 'x.yaml:1: traffic: found nothing, needed a list'],
    [
      'a target without a port',
      'traffic:\n  - run: { in: router, command: x }\n  - udp: { from: client, to: 10.0.0.1 }',
      'x.yaml:6: traffic[1].udp.to: found "10.0.0.1", needed address:port, such as 203.0.113.2:80',
    ],
    [
      'a namespace of another topology',
      'traffic:\n  - ping: { from: host, to: 10.0.0.1 }',
      'x.yaml:5: traffic[0].ping.from: found "host", needed client or router or server',
    ],
    [
      'a step of two kinds',
      'traffic:\n  - { run: { in: router, command: x }, ping: { from: client, to: 10.0.0.1 } }',
      'needed one of tcp, udp, udplite, sctp, ping, flood, raw_tcp, race, run, together',
    ],
    [
      'a port out of range',
      'traffic:\n  - udp: { from: client, to: "10.0.0.1:9", source_port: 65536 }',
      'traffic[0].udp.source_port: found 65536, needed a whole number from 1 to 65535',
    ],
    [
      'flags that TCP has not',
      'traffic:\n  - raw_tcp: { from: client, to: "10.0.0.1:9", source_port: 1, flags: SYN+FUN }',
      'traffic[0].raw_tcp.flags: found "SYN+FUN", needed FIN, SYN, RST, PSH, ACK, URG joined by +',
    ],
    [
      'a rules tool it does not know',
      'rules: { router: { ipchains: x } }\ntraffic: []',
      'x.yaml:4: rules.router.ipchains: found "x", needed no such key; nft, iptables,',
    ],
    [
      'a sysctl that is no number',
      'sysctl: { router: { net.a: "1; reboot" } }\ntraffic: []',
      'sysctl.router.net.a: found "1; reboot", needed a number',
    ],
    ['what is not YAML', 'traffic: [', 'x.yaml:4: not YAML: '],
  ];
  it.each(cases)('%s', (_, rest, message) => {
    expect(() => parse(rest)).toThrow(message);
  });
});

it('reads a scenario that is like another one, with other words', async () => {
  const [like, model] = await Promise.all(
    ['router-iptables-legacy', 'router-iptables-nft'].map(async (name) =>
      openScenario(await scenarioPath(name)),
    ),
  );
  expect(like?.name).toBe('router-iptables-legacy');
  expect(like?.title).toBe('Who decided, on a small router (iptables-legacy)');
  expect(like?.traffic).toEqual(model?.traffic);
  expect(like?.rules.router?.['iptables-legacy-restore']).toBe(
    model?.rules.router?.['iptables-nft-restore'],
  );
});

it('names the scenarios there are when one is not', async () => {
  await expect(scenarioPath('tuor')).rejects.toThrow(/^no scenario "tuor", there are .*tour/);
});

it.each(await scenarioNames())('can read %s', async (name) => {
  const scenario = await openScenario(await scenarioPath(name));
  expect(scenario.name).toBe(name);
  expect(scenario.why).not.toMatch(/[.]$/);
  expect(scenario.count.length).toBeGreaterThan(0);
});
