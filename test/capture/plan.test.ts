import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { planProbes } from '../../src/capture/plan.ts';
import { parseRelease } from '../../src/kernel/release.ts';
import { TraceError } from '../../src/model/error.ts';

const BASE = [
  'nf_hook_slow',
  'nf_conntrack_in',
  '__nf_conntrack_confirm',
  'nf_conntrack_free',
  'nf_ct_delete',
];
const NAT = ['nf_nat_setup_info', '__nf_nat_alloc_null_binding', 'nft_nat_do_chain'];

function plan(names: readonly string[], release = '6.1.0') {
  return planProbes((name) => names.includes(name), parseRelease(release));
}

function programs(names: readonly string[], release?: string): string[] {
  return plan(names, release).probes.map(({ program }) => program);
}

describe('probe plan', () => {
  it('pairs entry and return of the same function', () => {
    expect(plan([...BASE, ...NAT]).probes.slice(0, 2)).toEqual([
      {
        program: 'hook_enter',
        kind: 'kprobe',
        function: 'nf_hook_slow',
        return: false,
        required: true,
      },
      {
        program: 'hook_leave',
        kind: 'kprobe',
        function: 'nf_hook_slow',
        return: true,
        required: true,
      },
    ]);
  });

  it('attaches only programs that the object has', () => {
    const source = readFileSync(new URL('../../bpf/conntrail.bpf.c', import.meta.url), 'utf8');
    const everything = [
      ...BASE,
      ...NAT,
      'nf_ct_delete.part.0',
      'iptable_nat_do_chain',
      'ip6table_nat_do_chain',
    ];
    const planned = [
      ...plan(everything, '5.10.0').probes,
      ...plan([...BASE, 'ipt_do_table', 'ip6t_do_table']).probes,
    ];
    for (const probe of planned) {
      const kind = probe.kind === 'tracepoint' ? 'tp' : probe.return ? 'kretprobe' : 'kprobe';
      const section = `SEC\\("${kind}/${probe.function}"\\)`;
      const head = new RegExp(`${section}\\nint (?:BPF_\\w+\\()?${probe.program}\\b`);
      expect(source).toMatch(head);
    }
    const written = [...source.matchAll(/^int (?:BPF_\w+\()?(\w+)/gm)].map((match) => match[1]);
    expect(new Set(planned.map(({ program }) => program))).toEqual(new Set(written));
  });

  it('takes the split function of 5.10, and only that', () => {
    const found = programs([...BASE, 'nf_ct_delete.part.0'], '5.10.0-32');
    expect(found).toContain('entry_delete_part');
    expect(found).not.toContain('entry_delete');
    expect(programs(BASE)).toContain('entry_delete');
  });

  it('takes the hook of the legacy backend where it has one, else the table walk', () => {
    const old = [...BASE, 'iptable_nat_do_chain', 'ipt_do_table'];
    expect(programs(old, '5.10.0')).toContain('ipt_chain');
    expect(programs(old, '5.10.0')).not.toContain('ipt_table');
    expect(programs([...BASE, 'ipt_do_table'], '5.16.0')).toContain('ipt_table');
  });

  it('leaves the table walk alone where its arguments are others', () => {
    const { probes, notAvailable } = plan([...BASE, 'ipt_do_table'], '5.10.0');
    expect(probes.map(({ program }) => program)).not.toContain('ipt_table');
    expect(notAvailable).toContain(
      'iptable_nat_do_chain: the legacy backend has no nat table loaded here',
    );
  });

  it('says what is not available and why', () => {
    expect(plan(BASE).notAvailable).toContain(
      'nf_nat_setup_info: nf_nat is not loaded, nothing is translated here',
    );
    expect(plan([...BASE, ...NAT, 'ipt_do_table', 'ip6t_do_table']).notAvailable).toEqual([]);
  });

  it('refuses a kernel without conntrack, and says what to do', () => {
    expect(() => plan(['nf_hook_slow'])).toThrow(
      'this kernel has no nf_conntrack_in, __nf_conntrack_confirm, nf_conntrack_free, nf_ct_delete to attach to',
    );
    try {
      plan(['nf_hook_slow']);
    } catch (error) {
      expect(error).toBeInstanceOf(TraceError);
      expect(error).toMatchObject({ code: 'missing', hint: 'modprobe nf_conntrack' });
    }
  });

  it('says what it means where the null binding is inlined', () => {
    const inlined = (name: string) => name !== '__nf_nat_alloc_null_binding';
    const { probes, notAvailable } = planProbes(inlined, parseRelease('6.1.0'));
    expect(probes.map(({ program }) => program)).not.toContain('null_binding');
    expect(notAvailable).toContain(
      '__nf_nat_alloc_null_binding: inlined in this kernel, null mappings show as decided by a rule',
    );
  });
});
