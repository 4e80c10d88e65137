/** Rulesets of thousands of NAT rules, in two forms, and which rule each flow is for. */
import type {
  Action,
  Chain,
  Field,
  Interval,
  Rule,
  Ruleset,
  Term,
} from '../../../src/model/ruleset.ts';
import { RuleBits, RuleKind } from '../../../src/wire/layout.ts';

/** flat: a rule per address and port. kubernetes: services, each a chain, of endpoints, each a chain. */
const FORMS = ['flat', 'kubernetes'] as const;
export type Form = (typeof FORMS)[number];

export const NETNS = 4_026_532_245;
const TABLE = 9;
const FLAT_RULES = 10_000;
const SERVICES = 2000;
const PER_SERVICE = 4;
const MARK = 0x4000;

export interface Endpoint {
  /** Where clients send to, and where it is mapped to. */
  readonly address: number;
  readonly port: number;
  readonly to: number;
  readonly toPort: number;
  /** Handles of the rules that count its flows; the last one decides. */
  readonly handles: readonly number[];
}

export interface NatRules {
  readonly endpoints: readonly Endpoint[];
  /** Handle of the rule that masquerades. */
  readonly masquerade: number;
  readonly chains: readonly Chain[];
}

export function rulesOf(form: Form): NatRules {
  return form === 'flat' ? flatRules() : kubernetesRules();
}

/** As it is read: what each rule has counted by its handle. */
export function readingOf(
  { chains }: NatRules,
  readAtNs: bigint,
  counted: ReadonlyMap<number, number>,
): Ruleset {
  const counters = (rule: Rule): Rule => {
    const packets = rule.handle * 3 + (counted.get(rule.handle) ?? 0);
    return { ...rule, packets, bytes: packets * 60 };
  };
  const read = chains.map((chain) => ({ ...chain, rules: chain.rules.map(counters) }));
  return { netns: NETNS, readAtNs: String(readAtNs), chains: read, notes: [] };
}

/** As a record names it (enum record_rule), words low and high. */
export function ruleWords(handle: number, hook: number): readonly [low: number, high: number] {
  const shift = RuleBits.numberBits - 32;
  const kind = RuleKind.nft << (shift + RuleBits.tableBits + RuleBits.hookBits);
  return [handle, kind | (hook << (shift + RuleBits.tableBits)) | (TABLE << shift)];
}

export function addressText(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
}

function flatRules(): NatRules {
  const make = new Maker('nft');
  const endpoints: Endpoint[] = [];
  const rules = Array.from({ length: FLAT_RULES }, (_, index) => {
    const [address, port] = [0xc6120000 + (index >>> 2), 8000 + (index % 4)];
    const [to, toPort] = [0x0af40000 + index, 9000 + (index % 7)];
    const text = `ip daddr ${addressText(address)} tcp dport ${port} counter dnat to ${addressText(to)}:${toPort}`;
    const terms = [is('protocol', '6'), is('dst', addressText(address)), is('dst_port', `${port}`)];
    const rule = make.rule(text, terms, dnat(to, toPort));
    endpoints.push({ address, port, to, toPort, handles: [rule.handle] });
    return rule;
  });
  const last = make.rule('oifname "eth1" counter masquerade', [is('out', 'eth1')], MASQUERADE);
  const chains = [
    make.chain('prerouting', rules, { hook: 'prerouting', priority: -100 }),
    make.chain('postrouting', [last], { hook: 'postrouting', priority: 100 }),
  ];
  return { endpoints, masquerade: last.handle, chains };
}

/** As kube-proxy writes them, in the order of evaluation; a service sends flows on by chance. */
function kubernetesRules(): NatRules {
  const make = new Maker('iptables-nft');
  const endpoints: Endpoint[] = [];
  const chains: Chain[] = [];
  const toServices = make.rule('-j KUBE-SERVICES', [], jump('KUBE-SERVICES'));
  const jumps = Array.from({ length: SERVICES }, (_, index) => {
    const service = serviceOf(make, index, toServices.handle);
    endpoints.push(...service.endpoints);
    chains.push(...service.chains);
    return service.jump;
  });
  const setMark: Action = { does: 'mark', mask: MARK, value: MARK };
  const notMarked: Term = {
    fields: ['mark'],
    any: [[[`${MARK}`, `${MARK}`]]],
    mask: MARK,
    not: true,
  };
  const last = make.rule('-j MASQUERADE --random-fully', [], MASQUERADE);
  const post = [
    make.rule('-m mark ! --mark 0x4000/0x4000 -j RETURN', [notMarked], { does: 'return' }),
    make.rule('-j MARK --set-xmark 0x4000/0x0', [], { does: 'mark', mask: 0, value: MARK }),
    last,
  ];
  const toPost = make.rule('-j KUBE-POSTROUTING', [], jump('KUBE-POSTROUTING'));
  return {
    endpoints,
    masquerade: last.handle,
    chains: [
      make.chain('PREROUTING', [toServices], { hook: 'prerouting', priority: -100 }),
      make.chain('POSTROUTING', [toPost], { hook: 'postrouting', priority: 100 }),
      make.chain('KUBE-SERVICES', jumps),
      make.chain('KUBE-MARK-MASQ', [make.rule('-j MARK --set-xmark 0x4000/0x4000', [], setMark)]),
      make.chain('KUBE-POSTROUTING', post),
      ...chains,
    ],
  };
}

function serviceOf(make: Maker, index: number, before: number) {
  const [address, port] = [0x0a600000 + index, 80];
  const tuple = [is('protocol', '6'), is('dst', addressText(address)), is('dst_port', `${port}`)];
  const match = `-d ${addressText(address)}/32 -p tcp -m tcp --dport ${port}`;
  const own = `KUBE-SVC-${index}`;
  const toOwn = make.rule(`${match} -j ${own}`, tuple, jump(own));
  const outside: Term = { ...is('src', '10.244.0.0', '10.244.255.255'), not: true };
  const mark = make.rule(
    `! -s 10.244.0.0/16 ${match} -j KUBE-MARK-MASQ`,
    [outside, ...tuple],
    MARKING,
  );
  const found = Array.from({ length: PER_SERVICE }, (_, place) => {
    const [to, toPort] = [0x0af40000 + index * PER_SERVICE + place, 8080];
    const name = `KUBE-SEP-${index}-${place}`;
    const chance = `-m statistic --mode random --probability ${(1 / (PER_SERVICE - place)).toFixed(5)}`;
    const isLast = place === PER_SERVICE - 1;
    const choice = make.rule(
      `${isLast ? '' : `${chance} `}-j ${name}`,
      isLast ? [] : [{ unknown: chance }],
      jump(name),
    );
    const ofItself = make.rule(
      `-s ${addressText(to)}/32 -j KUBE-MARK-MASQ`,
      [is('src', addressText(to))],
      MARKING,
    );
    const target = `${addressText(to)}:${toPort}`;
    const decides = make.rule(
      `-p tcp -m tcp -j DNAT --to-destination ${target}`,
      [is('protocol', '6')],
      dnat(to, toPort),
    );
    const handles = [before, toOwn.handle, mark.handle, choice.handle, decides.handle];
    return {
      choice,
      chain: make.chain(name, [ofItself, decides]),
      endpoint: { address, port, to, toPort, handles },
    };
  });
  const chain = make.chain(own, [mark, ...found.map(({ choice }) => choice)]);
  return {
    jump: toOwn,
    endpoints: found.map(({ endpoint }) => endpoint),
    chains: [chain, ...found.map((one) => one.chain)],
  };
}

class Maker {
  private readonly backend: Chain['backend'];
  private handles = 0;

  constructor(backend: Chain['backend']) {
    this.backend = backend;
  }

  rule(text: string, terms: readonly Term[], action: Action): Rule {
    return { handle: ++this.handles, number: 0, text, terms, actions: [action] };
  }

  chain(
    name: string,
    rules: readonly Rule[],
    base?: { hook: 'prerouting' | 'postrouting'; priority: number },
  ): Chain {
    const place = { backend: this.backend, family: 'ip', table: 'nat', tableHandle: TABLE };
    const numbered = rules.map((rule, index) => ({ ...rule, number: index + 1 }));
    return {
      ...place,
      name,
      rules: numbered,
      ...(base === undefined ? {} : { base: { type: 'nat', policy: 'accept', ...base } }),
    };
  }
}

function is(field: Field, first: string, last = first): { fields: Field[]; any: Interval[][] } {
  return { fields: [field], any: [[[first, last]]] };
}

function jump(chain: string): Action {
  return { does: 'jump', chain };
}

const MARKING = jump('KUBE-MARK-MASQ');
const MASQUERADE: Action = {
  does: 'nat',
  kind: 'masquerade',
  manip: 'src',
  addresses: null,
  ports: null,
};

function dnat(to: number, toPort: number): Action {
  const address = addressText(to);
  const port = String(toPort);
  return {
    does: 'nat',
    kind: 'dnat',
    manip: 'dst',
    addresses: [[address, address]],
    ports: [[port, port]],
  };
}
