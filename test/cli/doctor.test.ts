import { describe, expect, it } from 'vitest';
import { planProbes } from '../../src/capture/plan.ts';
import { describeDiagnosis } from '../../src/cli/doctor.ts';
import { type Check, diagnose } from '../../src/cli/doctor-checks.ts';
import { type DoctorFacts, memlockLimit } from '../../src/cli/doctor-facts.ts';
import { parseRelease } from '../../src/kernel/release.ts';
import { TraceError } from '../../src/model/error.ts';

const GOOD: DoctorFacts = {
  release: parseRelease('6.1.0-50-amd64'),
  hasBtf: true,
  capabilities: new Set(['CAP_BPF', 'CAP_PERFMON', 'CAP_NET_ADMIN']),
  paranoid: '3',
  unprivilegedBpf: '2',
  lockdown: 'integrity',
  memlock: '8388608',
  hasAddresses: true,
  objectPath: '/opt/fentry.bpf.o',
  hasObject: true,
  library: { worked: 'libbpf 1.1' },
  tracing: { worked: 'all programs loaded' },
  modules: { nf_conntrack: 'loaded', nf_nat: 'loaded' },
  tools: { nft: true, conntrack: true },
  plan: planProbes(() => true, parseRelease('6.1.0'), { detail: 'packets' }, 'fentry'),
};

function checkOf(name: string, change: Partial<DoctorFacts>): Check | undefined {
  return diagnose({ ...GOOD, ...change }).checks.find((check) => check.name === name);
}

describe('doctor', () => {
  it('finds nothing wrong with a good machine', () => {
    const { canTrace, checks } = diagnose(GOOD);
    expect(canTrace).toBe(true);
    expect(checks.filter(({ outcome }) => outcome !== 'ok')).toEqual([]);
    expect(checks.every(({ advice }) => advice === undefined)).toBe(true);
  });

  const refusal = new TraceError('permission', 'bpf_object__load: EPERM', { hint: 'run as root' });
  const fatal: [string, Partial<DoctorFacts>, string][] = [
    ['kernel', { release: parseRelease('5.9.0') }, 'boot a newer kernel'],
    ['btf', { hasBtf: false }, 'boot a kernel built with CONFIG_DEBUG_INFO_BTF=y'],
    ['lockdown', { lockdown: 'confidentiality' }, 'lockdown=integrity'],
    ['libbpf', { library: { error: new TraceError('missing', 'no lib') } }, 'install libbpf1'],
    ['object', { hasObject: false }, 'make build'],
    ['tracing', { tracing: { error: refusal } }, 'run as root'],
    ['nf_conntrack', { modules: { nf_conntrack: 'absent', nf_nat: 'absent' } }, 'modprobe'],
    ['probes', { plan: new TraceError('missing', 'no x', { hint: 'modprobe y' }) }, 'modprobe y'],
  ];
  it.each(fatal)('calls %s a reason not to trace, and says what to do', (name, change, advice) => {
    const found = checkOf(name, change);
    expect(found?.outcome).toBe('failed');
    expect(found?.advice).toContain(advice);
    expect(diagnose({ ...GOOD, ...change }).canTrace).toBe(false);
  });

  const limits: [string, Partial<DoctorFacts>][] = [
    ['symbols', { hasAddresses: false }],
    ['nf_nat', { modules: { nf_conntrack: 'loaded', nf_nat: 'absent' } }],
    ['nft', { tools: { nft: false, conntrack: true } }],
    ['conntrack', { tools: { nft: true, conntrack: false } }],
    ['memlock', { release: parseRelease('5.10.0') }],
  ];
  it.each(limits)('calls %s a limit', (name, change) => {
    expect(checkOf(name, change)?.outcome).toBe('limited');
    expect(diagnose({ ...GOOD, ...change }).canTrace).toBe(true);
  });

  it('lets the trial decide whether privileges suffice', () => {
    const few = { capabilities: new Set(['CAP_BPF'] as const) };
    expect(checkOf('privileges', few)?.outcome).toBe('limited');
    const refused = checkOf('privileges', { ...few, tracing: { error: refusal } });
    expect(refused?.outcome).toBe('failed');
    expect(refused?.advice).toBe('run as root, or give CAP_PERFMON, CAP_NET_ADMIN');
    const admin = { capabilities: new Set(['CAP_SYS_ADMIN', 'CAP_NET_ADMIN'] as const) };
    expect(checkOf('privileges', admin)?.outcome).toBe('ok');
  });

  it('knows a kernel without kprobes from one without the function', () => {
    const error = new TraceError('missing', 'bpf_program__attach_kprobe x: ENOENT', { hint: 'h' });
    expect(checkOf('tracing', { tracing: { error } })?.advice).toContain('CONFIG_KPROBE_EVENTS=y');
  });

  it('lists what is not available, with the reason', () => {
    const plan = planProbes(
      (name) => !name.includes('nat') && !name.includes('table'),
      parseRelease('6.1.0'),
      { detail: 'packets' },
      'kprobe',
    );
    const { canTrace, checks } = diagnose({ ...GOOD, plan });
    expect(canTrace).toBe(true);
    expect(checks).toContainEqual({
      name: 'probe of nf_nat_setup_info',
      outcome: 'ok',
      found: 'not attached: nf_nat is not loaded, nothing is translated here',
      needed: 'useful',
    });
  });

  it('ends its text with the verdict, and with the lab where there is no trace', () => {
    expect(describeDiagnosis(diagnose(GOOD))).toMatch(/\na trace is possible here\n$/);
    const text = describeDiagnosis(diagnose({ ...GOOD, hasBtf: false }));
    expect(text).toContain('no trace is possible here: btf\n  try: conntrail lab');
    expect(text).toMatch(/failed\s+btf\s+no \/sys\/kernel\/btf\/vmlinux\n\s+needed: /);
  });

  it('advises the module where that is all that is missing', () => {
    const plan = new TraceError('missing', 'no x', { hint: 'modprobe nf_conntrack' });
    const modules = { nf_conntrack: 'absent', nf_nat: 'absent' } as const;
    const text = describeDiagnosis(diagnose({ ...GOOD, modules, plan }));
    expect(text).toMatch(/\n {2}try: modprobe nf_conntrack\n$/);
    const worse = describeDiagnosis(diagnose({ ...GOOD, modules, plan, hasBtf: false }));
    expect(worse).toMatch(/\n {2}try: conntrail lab \(.*\)\n$/);
  });

  it('reads the limit of locked memory', () => {
    const limits =
      'Limit  Soft Limit  Hard Limit  Units\nMax locked memory  8388608  9999  bytes\n';
    expect(memlockLimit(limits)).toBe('8388608');
    expect(memlockLimit('')).toBe('unknown');
  });
});
