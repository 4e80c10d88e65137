/** Judges what was found: pure, so that every kernel can be tried on one machine. */
import { sourcesOf } from '../capture/sources.ts';
import { isAtLeast } from '../kernel/release.ts';
import type { TraceError } from '../model/error.ts';
import type { DoctorFacts } from './doctor-facts.ts';

export interface Check {
  readonly name: string;
  /** failed: no trace is possible here; limited: a trace will show less. */
  readonly outcome: 'ok' | 'limited' | 'failed';
  readonly found: string;
  readonly needed: string;
  /** What to do; absent where nothing is. */
  readonly advice?: string;
}

export interface Diagnosis {
  readonly canTrace: boolean;
  readonly checks: readonly Check[];
}

export function diagnose(facts: DoctorFacts): Diagnosis {
  const checks = [
    kernelCheck(facts),
    btfCheck(facts),
    privilegesCheck(facts),
    lockdownCheck(facts),
    memlockCheck(facts),
    addressesCheck(facts),
    libraryCheck(facts),
    objectCheck(facts),
    tracingCheck(facts),
    conntrackCheck(facts),
    natCheck(facts),
    toolCheck('nft', facts.tools.nft, 'nftables', 'to name NAT rules'),
    toolCheck('conntrack', facts.tools.conntrack, 'conntrack', 'to delete stale entries by hand'),
    ...probeChecks(facts),
  ];
  return { canTrace: checks.every((check) => check.outcome !== 'failed'), checks };
}

type Outcome = Check['outcome'];

function check(
  name: string,
  outcome: Outcome,
  found: string,
  needed: string,
  advice?: string,
): Check {
  const withAdvice = outcome !== 'ok' && advice !== undefined ? { advice } : {};
  return { name, outcome, found, needed, ...withAdvice };
}

function kernelCheck({ release }: DoctorFacts): Check {
  const outcome = isAtLeast(release, 5, 10) ? 'ok' : 'failed';
  return check('kernel', outcome, release.text, '5.10 or newer', 'boot a newer kernel');
}

function btfCheck({ hasBtf }: DoctorFacts): Check {
  return check(
    'btf',
    hasBtf ? 'ok' : 'failed',
    hasBtf ? 'the kernel carries its types' : 'no /sys/kernel/btf/vmlinux',
    'the types of the running kernel',
    'boot a kernel built with CONFIG_DEBUG_INFO_BTF=y',
  );
}

const NEEDED_CAPABILITIES = ['CAP_BPF', 'CAP_PERFMON', 'CAP_NET_ADMIN'] as const;

/** Whether they suffice is for the trial to say: what failed for another reason is not this. */
function privilegesCheck(facts: DoctorFacts): Check {
  const { capabilities, tracing } = facts;
  const isAdmin = capabilities.has('CAP_SYS_ADMIN');
  const missing = NEEDED_CAPABILITIES.filter(
    (name) => !capabilities.has(name) && !(isAdmin && name !== 'CAP_NET_ADMIN'),
  );
  const listed = capabilities.size === 0 ? 'no capability' : [...capabilities].sort().join(', ');
  const settings = `perf_event_paranoid ${facts.paranoid}, unprivileged_bpf_disabled ${facts.unprivilegedBpf}`;
  const outcome = missing.length === 0 ? 'ok' : 'worked' in tracing ? 'limited' : 'failed';
  return check(
    'privileges',
    outcome,
    `${listed} (${settings})`,
    NEEDED_CAPABILITIES.join(', '),
    `run as root, or give ${missing.join(', ')}`,
  );
}

function lockdownCheck(facts: DoctorFacts): Check {
  const outcome = facts.lockdown === 'confidentiality' ? 'failed' : 'ok';
  return check(
    'lockdown',
    outcome,
    facts.lockdown,
    'none or integrity',
    'confidentiality forbids reading kernel memory: boot with lockdown=integrity',
  );
}

/** Since 5.11 eBPF memory is counted by cgroup, and this limit means nothing to it. */
function memlockCheck({ release, memlock, capabilities }: DoctorFacts): Check {
  const counts = !isAtLeast(release, 5, 11);
  const suffices = !counts || memlock === 'unlimited' || capabilities.has('CAP_SYS_ADMIN');
  return check(
    'memlock',
    suffices ? 'ok' : 'limited',
    memlock,
    counts ? 'unlimited, or the right to raise it' : 'anything: this kernel counts it otherwise',
    'ulimit -l unlimited, or LimitMEMLOCK=infinity in the unit',
  );
}

function addressesCheck({ hasAddresses }: DoctorFacts): Check {
  return check(
    'symbols',
    hasAddresses ? 'ok' : 'limited',
    hasAddresses ? 'names and addresses' : 'names without addresses',
    'addresses, to name who dropped or deleted',
    'sysctl kernel.kptr_restrict=1, and run with CAP_SYSLOG',
  );
}

function libraryCheck({ library }: DoctorFacts): Check {
  const needed = 'libbpf 1.x and the shim';
  if ('worked' in library) return check('libbpf', 'ok', library.worked, needed);
  const advice = library.error.hint ?? 'apt-get install libbpf1';
  return check('libbpf', 'failed', library.error.message, needed, advice);
}

function objectCheck({ hasObject, objectPath }: DoctorFacts): Check {
  return check(
    'object',
    hasObject ? 'ok' : 'failed',
    hasObject ? objectPath : `no ${objectPath}`,
    'the compiled probes',
    'make build, or install the package again',
  );
}

function tracingCheck({ tracing, plan }: DoctorFacts): Check {
  const needed = 'a kernel that loads and attaches eBPF tracing programs';
  if ('worked' in tracing) return check('tracing', 'ok', tracing.worked, needed);
  const isAttach = tracing.error.message.startsWith('bpf_program__attach');
  const noKprobes = isAttach && tracing.error.code === 'missing' && 'probes' in plan;
  const advice = noKprobes
    ? 'the function is there and no kprobe can be set: boot a kernel built with CONFIG_KPROBE_EVENTS=y'
    : (tracing.error.hint ?? 'the kernel refuses: if you are root, by policy or by its container');
  return check('tracing', 'failed', tracing.error.message, needed, advice);
}

function conntrackCheck({ modules }: DoctorFacts): Check {
  const found = modules.nf_conntrack;
  const outcome = found === 'absent' ? 'failed' : 'ok';
  return check('nf_conntrack', outcome, found, 'loaded or built in', 'modprobe nf_conntrack');
}

function natCheck({ modules }: DoctorFacts): Check {
  const outcome = modules.nf_nat === 'absent' ? 'limited' : 'ok';
  const advice = 'load a ruleset with NAT, or modprobe nf_nat: without it nothing is translated';
  return check('nf_nat', outcome, modules.nf_nat, 'loaded or built in, to see NAT', advice);
}

function toolCheck(tool: string, isThere: boolean, pack: string, purpose: string): Check {
  const found = isThere ? 'installed' : 'not installed';
  return check(tool, isThere ? 'ok' : 'limited', found, purpose, `apt-get install ${pack}`);
}

function probeChecks({ plan }: DoctorFacts): Check[] {
  if (!('probes' in plan)) return [requiredMissing(plan)];
  const found = plan.probes.map((probe) => {
    const needed = probe.required ? 'required' : 'useful';
    return check(`probe ${probe.program}`, 'ok', `${probe.kind} ${probe.function}`, needed);
  });
  const absent = plan.notAvailable.map((line) => {
    const [name = '', reason = ''] = line.split(/: (.*)/s);
    return check(`probe of ${name}`, 'ok', `not attached: ${reason}`, 'useful');
  });
  const sources = Object.entries(sourcesOf(plan, 'packets')).map(([fact, how]) =>
    check(`known: ${fact}`, 'ok', how, 'useful'),
  );
  return [...found, ...absent, ...sources];
}

function requiredMissing(error: TraceError): Check {
  return check('probes', 'failed', error.message, 'the functions of conntrack', error.hint);
}
