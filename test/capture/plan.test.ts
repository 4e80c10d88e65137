import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Probe, planProbes } from '../../src/capture/plan.ts';
import type { Asked } from '../../src/capture/wish.ts';
import { parseRelease } from '../../src/kernel/release.ts';
import { TraceError } from '../../src/model/error.ts';
import { BACKENDS, type Backend, DETAILS, type Detail } from '../../src/model/facts.ts';

const ANYWHERE = [
  ...['nf_hook_slow', 'nf_conntrack_in', '__nf_conntrack_confirm'],
  ...['nf_conntrack_free', 'nf_ct_delete'],
];
const FRAGMENTS = ['inet_frag_queue_insert', 'inet_frag_reasm_finish'];
const NAT = ['nf_nat_setup_info', '__nf_nat_alloc_null_binding', 'nft_nat_do_chain'];
const TABLES = ['ipt_do_table', 'ip6t_do_table'];
const COMMITS = ['nf_tables_commit', 'xt_replace_table'];
/** Where rules decide: statements of nft, targets of xtables. */
const STATEMENTS = ['nft_nat_eval', 'nft_redir_eval'];
const MASQUERADE = {
  byFamily: ['nft_masq_ipv4_eval', 'nft_masq_ipv6_eval'],
  both: ['nft_masq_eval'],
};
const TARGETS = [
  ...['xt_snat_target', 'xt_dnat_target'].flatMap((name) => [0, 1, 2].map((v) => `${name}_v${v}`)),
  ...['masquerade_tg', 'masquerade_tg6', 'redirect_tg4', 'redirect_tg6'],
  ...['netmap_tg4', 'netmap_tg6'],
];
/** Where something fails; of the first three no fentry can be. */
const LOGS = ['nf_ct_l4proto_log_invalid', 'nf_l4proto_log_invalid', 'nf_ct_helper_log'];
const FAILURES = [
  ...LOGS,
  ...['__nf_conntrack_alloc', 'early_drop', 'nf_ct_resolve_clash'],
  ...['nf_ct_expect_related_report', 'nf_ct_seq_adjust'],
];
/** What every packet, or every search for a port, meets. */
const OFTEN = ['nf_conntrack_in', 'nf_conntrack_tuple_taken'];
/** NFQUEUE, where somebody can listen to it. */
const QUEUES = ['nf_queue', 'nfqnl_reinject'];
const RULES = [...COMMITS, 'xt_find_table_lock', ...STATEMENTS, ...TARGETS];

/** What kernels of those versions have, all modules loaded. */
const KERNELS = {
  '5.10.0': [
    ...ANYWHERE,
    ...FRAGMENTS,
    ...NAT,
    ...TABLES,
    'ipv4_confirm',
    'ipv6_confirm',
    'nf_confirm', // what the two call, no hook function
    'nf_ct_delete.part.0',
    'iptable_nat_do_chain',
    'ip6table_nat_do_chain',
    ...RULES,
    ...FAILURES,
    ...MASQUERADE.byFamily,
  ],
  '6.1.0': [
    ...[...ANYWHERE, ...FRAGMENTS, ...NAT, ...TABLES, 'ipv4_confirm', 'ipv6_confirm', 'nf_confirm'],
    ...[...RULES, ...FAILURES, ...MASQUERADE.byFamily, 'bpf_for_each_map_elem'],
  ],
  '6.12.0': [
    ...ANYWHERE,
    ...FRAGMENTS,
    ...NAT,
    ...TABLES,
    'nf_confirm',
    ...RULES,
    ...FAILURES,
    ...MASQUERADE.both,
    'bpf_for_each_map_elem',
  ],
} as const;
type Kernel = keyof typeof KERNELS;
const ALL = Object.keys(KERNELS) as Kernel[];

function plan(
  names: readonly string[],
  release = '6.1.0',
  asked: Asked = { detail: 'packets' },
  backend: Backend = 'kprobe',
) {
  return planProbes((name) => names.includes(name), parseRelease(release), asked, backend);
}

function probesOf(kernel: Kernel, detail: Detail, backend: Backend): readonly Probe[] {
  return plan(KERNELS[kernel], kernel, { detail }, backend).probes;
}

function programs(names: readonly string[], release?: string): string[] {
  return plan(names, release).probes.map(({ program }) => program);
}

/** `kind function` of each probe, without those that are about rules or failures. */
function places(kernel: Kernel, detail: Detail, backend: Backend): string[] {
  const isOfRules = (name: string): boolean =>
    [...RULES, ...FAILURES, ...MASQUERADE.byFamily, ...MASQUERADE.both].includes(name);
  return probesOf(kernel, detail, backend)
    .filter((probe) => !isOfRules(probe.function))
    .map((probe) => `${probe.kind} ${probe.function}`)
    .sort();
}

const CASES = ALL.flatMap((kernel) =>
  DETAILS.flatMap((detail) => BACKENDS.map((backend) => ({ kernel, detail, backend }))),
);

describe.each(CASES)('$kernel, $detail, $backend', ({ kernel, detail, backend }) => {
  const probes = probesOf(kernel, detail, backend);

  it('attaches each program of the backend once, to a function of the kernel', () => {
    const keys = probes.map((probe) => `${probe.program} ${probe.function}`);
    expect(new Set(keys).size).toBe(keys.length);
    const kinds = backend === 'fentry' ? ['fentry', 'fexit'] : ['kprobe', 'kretprobe'];
    for (const probe of probes.filter(({ kind }) => kind !== 'tracepoint')) {
      expect(KERNELS[kernel]).toContain(probe.function);
      expect(LOGS.includes(probe.function) ? ['kprobe'] : kinds).toContain(probe.kind);
    }
  });

  it('sees drops wherever it sees packets', () => {
    const drops = probes.filter((probe) => probe.function.startsWith('skb/'));
    expect(drops).toEqual(
      detail === 'flows'
        ? []
        : [
            {
              program: 'packet_drop',
              kind: 'tracepoint',
              function: 'skb/kfree_skb',
              required: false,
            },
          ],
    );
  });

  it('sees each flow confirmed, decided and ended', () => {
    const functions = probes.map((probe) => probe.function);
    expect(functions).toEqual(
      expect.arrayContaining(['__nf_conntrack_confirm', 'nf_nat_setup_info', 'nf_conntrack_free']),
    );
  });

  it('attaches returns before entries, so that none is missed', () => {
    for (const [index, probe] of probes.entries()) {
      if (probe.kind !== 'kprobe' && probe.kind !== 'fentry') continue;
      const later = probes.slice(index + 1).filter((other) => other.function === probe.function);
      expect(later.map(({ kind }) => kind)).not.toContain(
        backend === 'fentry' ? 'fexit' : 'kretprobe',
      );
    }
  });
});

describe('what is probed', () => {
  it('for packets is one entry a hook, and the return of the last function', () => {
    expect(places('6.1.0', 'packets', 'fentry')).toEqual([
      'fentry __nf_conntrack_confirm',
      'fentry __nf_nat_alloc_null_binding',
      'fentry inet_frag_queue_insert',
      'fentry inet_frag_reasm_finish',
      'fentry ip6t_do_table',
      'fentry ipt_do_table',
      'fentry nf_conntrack_free',
      'fentry nf_ct_delete',
      'fentry nf_hook_slow',
      'fentry nft_nat_do_chain',
      'fexit __nf_conntrack_confirm',
      'fexit ipv4_confirm',
      'fexit ipv6_confirm',
      'fexit nf_nat_setup_info',
      'tracepoint module/module_free',
      'tracepoint module/module_load',
      'tracepoint skb/kfree_skb',
    ]);
  });

  it('for visits is entry and return of a hook, and no last function', () => {
    const found = places('6.12.0', 'visits', 'kprobe');
    expect(found).toEqual(
      expect.arrayContaining(['kprobe nf_hook_slow', 'kretprobe nf_hook_slow']),
    );
    expect(found.filter((place) => place.endsWith('_confirm'))).toEqual([
      'kprobe __nf_conntrack_confirm',
      'kretprobe __nf_conntrack_confirm',
    ]);
  });

  it('for flows is no hook, and no chain but those that new flows alone meet', () => {
    expect(places('6.1.0', 'flows', 'kprobe')).toEqual([
      'kprobe __nf_conntrack_confirm',
      'kprobe __nf_nat_alloc_null_binding',
      'kprobe nf_conntrack_free',
      'kprobe nf_ct_delete',
      'kprobe nf_nat_setup_info',
      'kprobe nft_nat_do_chain',
      'kretprobe __nf_conntrack_confirm',
      'kretprobe nf_nat_setup_info',
      'tracepoint module/module_free',
      'tracepoint module/module_load',
    ]);
  });

  it.each([
    ['fentry', ['fexit nf_conntrack_in']],
    ['kprobe', ['kretprobe nf_conntrack_in', 'kprobe nf_conntrack_in']],
  ] as const)(
    'meets established packets by %s only if states of flows are asked for',
    (backend, more) => {
      const attached = (detail: Detail, states: boolean): string[] =>
        plan(KERNELS['6.1.0'], '6.1.0', { detail, states }, backend)
          .probes.map((probe) => `${probe.kind} ${probe.function}`)
          .filter((place) => place.endsWith(' nf_conntrack_in'));
      expect(attached('flows', true)).toEqual(more);
      expect(attached('flows', false)).toEqual([]);
      expect(attached('packets', true)).toEqual([]);
    },
  );

  it.each([
    ['5.10.0', ['ipv4_confirm', 'ipv6_confirm']],
    ['6.1.0', ['ipv4_confirm', 'ipv6_confirm']],
    ['6.12.0', ['nf_confirm']],
  ] as const)('of %s as the last function is %s', (kernel, functions) => {
    const last = probesOf(kernel, 'packets', 'kprobe').filter(
      ({ program }) => program === 'last_hook_leave',
    );
    expect(last.map((probe) => probe.function)).toEqual(functions);
  });

  it('by fentry has a program of its own for each last function, as each has its own type', () => {
    const leaves = (kernel: Kernel): string[] =>
      probesOf(kernel, 'packets', 'fentry')
        .map(({ program }) => program)
        .filter((program) => program.startsWith('last_hook'));
    expect(leaves('6.1.0')).toEqual(['last_hook_leave', 'last_hook_leave6']);
    expect(leaves('6.12.0')).toEqual(['last_hook_leave46']);
  });
});

/** What the compiler sees of a file with stubs for both. */
function partFor(backend: Backend, text: string): string {
  const [, fentry, kprobe] = /#ifdef CONNTRAIL_FENTRY\n(.*?)#else\n(.*?)#endif/s.exec(text) ?? [];
  const part = backend === 'fentry' ? fentry : kprobe;
  return part !== undefined && /^SEC\(/m.test(part) ? part : text;
}

describe.each(BACKENDS)('the object of %s', (backend) => {
  const file = `../../bpf/${backend}.bpf.c`;
  const names = ['handlers.h', 'open.h', 'module.h', 'tracked.h', 'log.h', `${backend}_failures.h`];
  const source = [
    file,
    ...[...names, 'queue.h', 'queue_stubs.h', 'fragment.h', 'taken.h'].map(
      (name) => `../../bpf/${name}`,
    ),
  ]
    .map((name) => partFor(backend, readFileSync(new URL(name, import.meta.url), 'utf8')))
    .join('\n')
    .replace(/^AT_ENTRY\((\w+)\)\nint ENTRY_PROGRAM/gm, `SEC("${backend}/$1")\nint BPF_PROGRAM`)
    .replace(/^NAT_\w+\((\w+)\)$/gm, `SEC("${backend}/$1")\nint $1`);
  const all = { states: true, refusals: true };
  const plans = ALL.flatMap((kernel) =>
    DETAILS.map((detail) =>
      plan([...KERNELS[kernel], ...OFTEN, ...QUEUES], kernel, { detail, ...all }, backend),
    ),
  );
  const planned = plans.flatMap(({ probes }) => probes);
  const run = plans.flatMap(({ runs }) => runs);
  const head = /^SEC\("([\w/.]+)"\)\nint (?:BPF_\w+\()?(\w+)/gm;
  const written = new Map([...source.matchAll(head)].map(([, section, name]) => [name, section!]));

  it('has the programs that are planned, and no other', () => {
    const programs = [...planned.map(({ program }) => program), ...run];
    expect(new Set(programs)).toEqual(new Set(written.keys()));
  });

  it('has them for that kind of probe', () => {
    for (const { program, kind } of planned) {
      expect(written.get(program)).toMatch(kind === 'tracepoint' ? /^raw_tp\// : `${kind}/`);
    }
  });
});

describe('queues of user space', () => {
  const names = [...KERNELS['6.1.0'], ...QUEUES];
  const of = (has: readonly string[], detail: Detail) => plan(has, '6.1.0', { detail }, 'fentry');
  const placesOf = (has: readonly string[], detail: Detail) =>
    of(has, detail).probes.map((probe) => `${probe.kind} ${probe.function}`);

  it('are probed where a packet goes in and comes out, where somebody can listen', () => {
    const ends = ['fexit nf_queue', 'fentry nf_queue', 'fentry nfqnl_reinject'];
    expect(placesOf(names, 'packets')).toEqual(expect.arrayContaining(ends));
    expect(placesOf(KERNELS['6.1.0'].concat('nf_queue'), 'packets')).not.toContain(ends[0]);
    expect(placesOf(names, 'flows')).not.toContain(ends[0]);
  });

  it('need the last function with visits, too: a reinjected packet returns to no hook', () => {
    expect(placesOf(names, 'visits')).toContain('fexit ipv4_confirm');
    expect(placesOf(KERNELS['6.1.0'], 'visits')).not.toContain('fexit ipv4_confirm');
  });

  it('are asked for what waits in them where maps can be walked, and hooks always for what they kept', () => {
    const ofPackets = ['tell_queued_packets', 'tell_taken_packets'];
    expect(of(names, 'packets').runs).toEqual(ofPackets);
    expect(of(names, 'visits').runs).toEqual(ofPackets);
    expect(of(names, 'flows').runs).toEqual(['tell_open_flows']);
    expect(of(KERNELS['6.1.0'], 'packets').runs).toEqual(ofPackets);
    const noWalk = names.filter((name) => name !== 'bpf_for_each_map_elem');
    expect(of(noWalk, 'packets').runs).toEqual(['tell_taken_packets']);
    expect(of(noWalk, 'flows').runs).toEqual([]);
  });
});

describe('probe plan', () => {
  it('takes the split function of 5.10, and only that', () => {
    const found = programs(KERNELS['5.10.0'], '5.10.0-32');
    expect(found).toContain('entry_delete_part');
    expect(found).not.toContain('entry_delete');
    expect(programs(ANYWHERE.concat('nf_confirm'))).toContain('entry_delete');
  });

  it('takes the hook of the legacy backend where it has one, else the table walk', () => {
    expect(programs(KERNELS['5.10.0'], '5.10.0')).toContain('ipt_chain');
    expect(programs(KERNELS['5.10.0'], '5.10.0')).not.toContain('ipt_table');
    expect(programs(KERNELS['6.1.0'], '5.16.0')).toContain('ipt_table');
  });

  it('leaves the table walk alone where its arguments are others', () => {
    const names = [...ANYWHERE, 'ipv4_confirm', 'ipv6_confirm', 'ipt_do_table'];
    const { probes, notAvailable } = plan(names, '5.10.0');
    expect(probes.map(({ program }) => program)).not.toContain('ipt_table');
    expect(notAvailable).toContain(
      'iptable_nat_do_chain: the legacy backend has no nat table loaded here',
    );
  });

  it('says what is not available and why', () => {
    expect(plan([...ANYWHERE, 'nf_confirm']).notAvailable).toContain(
      'nf_nat_setup_info: nf_nat is not loaded, nothing is translated here',
    );
    for (const kernel of ALL) expect(plan(KERNELS[kernel], kernel).notAvailable).toEqual([]);
    expect(plan(KERNELS['5.10.0'], '5.10.0', { detail: 'flows' }).notAvailable).toEqual([
      'packets of flows that outlive the trace: this kernel has no bpf_for_each_map_elem(), they are not counted',
    ]);
  });

  it('sees fragments where it sees packets, and says so where it cannot', () => {
    const has = (detail: Detail) =>
      plan(KERNELS['6.1.0'], '6.1.0', { detail })
        .probes.map(({ function: name }) => name)
        .filter((name) => FRAGMENTS.includes(name));
    expect(has('packets')).toEqual(FRAGMENTS);
    expect(has('visits')).toEqual(FRAGMENTS);
    expect(has('flows')).toEqual([]);
    const without = KERNELS['6.1.0'].filter((name) => name !== 'inet_frag_queue_insert');
    expect(plan(without).notAvailable).toEqual([
      'inet_frag_queue_insert: fragments are torn, and what they become has no ports as it came',
    ]);
  });

  it('refuses a kernel without conntrack, and says what to do', () => {
    const bare = () => plan(['nf_hook_slow']);
    expect(bare).toThrow(
      'this kernel has no __nf_conntrack_confirm, nf_conntrack_free, nf_confirm, nf_ct_delete to attach to',
    );
    expect(bare).toThrow(TraceError);
    expect(bare).toThrow(
      expect.objectContaining({ code: 'missing', hint: 'modprobe nf_conntrack' }),
    );
  });

  it('refuses a kernel without netfilter, and says what to do', () => {
    const names = KERNELS['6.12.0'].filter((name) => name !== 'nf_hook_slow');
    const hint = 'boot a kernel built with CONFIG_NETFILTER=y';
    expect(() => plan(names)).toThrow(expect.objectContaining({ code: 'missing', hint }));
    expect(() => plan(names, '6.12.0', { detail: 'flows' })).not.toThrow();
  });

  it('says what it means where the null binding is inlined', () => {
    const names = KERNELS['6.1.0'].filter((name) => name !== '__nf_nat_alloc_null_binding');
    const { probes, notAvailable } = plan(names);
    expect(probes.map(({ program }) => program)).not.toContain('null_binding');
    expect(notAvailable).toContain(
      '__nf_nat_alloc_null_binding: inlined in this kernel, null mappings show as decided by a rule',
    );
  });
});

describe('what is probed for rules', () => {
  it.each(['5.10.0', '6.1.0'] as const)(
    'of %s is each statement and target, and each change',
    (kernel) => {
      const found = probesOf(kernel, 'flows', 'kprobe').map((probe) => probe.function);
      expect(found).toEqual(expect.arrayContaining([...RULES, ...MASQUERADE.byFamily]));
    },
  );

  it('of 6.12 has one masquerade for both families', () => {
    const found = probesOf('6.12.0', 'flows', 'fentry').map((probe) => probe.function);
    expect(found).toEqual(expect.arrayContaining([...RULES, ...MASQUERADE.both]));
    expect(found).not.toContain('nft_masq_ipv4_eval');
  });

  it('is not what has no module loaded', () => {
    expect(programs([...ANYWHERE, 'nf_confirm', 'nft_nat_eval'])).toContain('nft_nat_eval');
    expect(programs([...ANYWHERE, 'nf_confirm'])).not.toContain('nft_nat_eval');
  });
});
