import { describe, expect, it } from 'vitest';
import { planProbes } from '../../src/capture/plan.ts';
import { sourcesOf } from '../../src/capture/sources.ts';
import { parseRelease } from '../../src/kernel/release.ts';
import type { Backend, Detail } from '../../src/model/facts.ts';

const REQUIRED = ['nf_hook_slow', '__nf_conntrack_confirm', 'nf_conntrack_free', 'nf_ct_delete'];
const CONNTRACK = [...REQUIRED, 'nf_confirm'];
const NAT = ['nf_nat_setup_info', '__nf_nat_alloc_null_binding', 'nft_nat_do_chain'];

const planOf = (
  names: readonly string[],
  detail: Detail = 'packets',
  backend: Backend = 'fentry',
) => planProbes((name) => names.includes(name), parseRelease('6.12.0'), { detail }, backend);

describe('sources of what a trace says', () => {
  it('names the probe of each', () => {
    const sources = sourcesOf(planOf([...CONNTRACK, ...NAT, 'nft_redir_eval']), 'packets');
    expect(sources).toMatchObject({
      "a packet's way": 'fentry nf_hook_slow',
      'verdict of the last hook': 'fexit nf_confirm',
      'NAT decision': 'fexit nf_nat_setup_info',
      'null mapping': 'fentry __nf_nat_alloc_null_binding',
      'deciding rule of nft': 'fentry nft_redir_eval',
      'place of a drop': 'tracepoint skb/kfree_skb',
      'end of a flow': 'fentry nf_conntrack_free, fentry nf_ct_delete',
    });
  });

  it('gives the reason where there is none', () => {
    expect(sourcesOf(planOf(CONNTRACK), 'packets')).toMatchObject({
      'NAT decision': 'not available: nf_nat is not loaded, nothing is translated here',
      'deciding rule of iptables': 'not available: no nat target of xtables is loaded',
    });
    const inlined = planOf([...CONNTRACK, 'nf_nat_setup_info']);
    expect(sourcesOf(inlined, 'packets')['null mapping']).toBe(
      'not available: inlined in this kernel, null mappings show as decided by a rule',
    );
  });

  it('says that flows alone see no packets, and who counts them', () => {
    const flows = (names: readonly string[]) => sourcesOf(planOf(names, 'flows'), 'flows');
    expect(flows(CONNTRACK)["a packet's way"]).toBe(
      'not available: --detail flows leaves packets alone',
    );
    expect(flows(CONNTRACK)['packets of a flow']).toMatch(/read when a flow ends$/);
    expect(flows([...CONNTRACK, 'bpf_for_each_map_elem'])['packets of a flow']).toMatch(
      /when the trace ends$/,
    );
  });

  it('knows the same facts whatever the kernel', () => {
    const names = (plan: ReturnType<typeof planOf>) => Object.keys(sourcesOf(plan, 'visits'));
    const kprobes = planOf([...CONNTRACK, ...NAT], 'visits', 'kprobe');
    expect(names(kprobes)).toEqual(names(planOf(CONNTRACK, 'visits')));
    expect(names(kprobes).length).toBeGreaterThan(12);
  });
});
