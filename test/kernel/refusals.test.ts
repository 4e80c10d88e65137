/**
 * What a live trace is refused for, by the kernel or by the command line, each
 * in one line, on the kernels of matrix.ts.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runInGuest } from './in-guest.ts';
import { kernelsOf } from './matrix.ts';

/** Each line of the file: what was run, its exit status; then what it said. */
const REFUSALS = `
try() { name=$1; shift; timeout 100 "$@" > "$OUT/$name.out" 2> "$OUT/$name.err"; echo "$?" > "$OUT/$name.status"; }
cd $OUT
try missing-module conntrail record --duration 1s --out x.capture
modprobe nf_conntrack; modprobe nf_nat; modprobe nf_tables # reading the rules would load it, which is told
try no-root setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all,+dac_read_search --ambient-caps=-all,+dac_read_search conntrail record --duration 1s --out /tmp/x.capture
try no-bpf setpriv --bounding-set -sys_admin,-bpf,-perfmon --inh-caps -sys_admin,-bpf,-perfmon conntrail record --duration 1s --out x.capture
echo 4.19.0 > /tmp/release
try no-btf unshare -m sh -c 'mount -t tmpfs none /sys/kernel/btf && exec conntrail record --duration 1s --out x.capture'
try old-kernel unshare -m sh -c 'mount --bind /tmp/release /proc/sys/kernel/osrelease && exec conntrail record --duration 1s --out x.capture'
mkdir /tmp/tiny; mount -t tmpfs -o size=16k tmpfs /tmp/tiny
try full-disk conntrail record --quiet --duration 2s --out /tmp/tiny/x.parquet
try not-writable conntrail record --duration 1s --out /proc/nowhere/trace
try bad-duration conntrail record --duration 5parsecs --out x
try unknown-flag conntrail record --fitler tcp --out x
try bad-filter conntrail record --filter 'tcp and prot 53' --out x
try no-rules sh -c 'mkdir /tmp/bin; printf "#!/bin/sh\\necho nft: denied >&2; exit 1\\n" > /tmp/bin/nft; chmod +x /tmp/bin/nft; PATH=/tmp/bin:$PATH exec conntrail explain --duration 1s'
bpftool prog show > programs; echo "status $?" >> programs
`;

describe.each(kernelsOf('refusals.test.ts'))('kernel %s', (kernel) => {
  let folder: string;
  const text = (name: string) => readFile(join(folder, name), 'utf8');

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'conntrail-refusals-'));
    await runInGuest(REFUSALS, { kernel, outDir: folder, timeoutSec: 600 });
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each([
    ['missing-module', 1, /nf_conntrack/, /modprobe nf_conntrack/],
    ['no-root', 1, /EPERM|EACCES|privilege|root/, /root|CAP_BPF/],
    ['no-bpf', 1, /EPERM|EACCES|privilege|CAP_/, /root|CAP_BPF/],
    ['no-btf', 1, /BTF/, /CONFIG_DEBUG_INFO_BTF/],
    ['old-kernel', 1, /4\.19.*5\.10/, /./],
    ['full-disk', 1, /ENOSPC/, /space|place/],
    ['not-writable', 1, /ENOENT|EACCES|EROFS/, /./],
    ['bad-duration', 2, /"5parsecs"/, /5s/],
    ['unknown-flag', 2, /--fitler/, /--filter/],
    ['bad-filter', 2, /prot/, /./],
  ])('%s: one line, what to try, and exit status %i', async (name, status, found, hint) => {
    expect(await text(`${name}.status`), await text(`${name}.err`)).toBe(`${status}\n`);
    const [line = '', next = '', ...more] = (await text(`${name}.err`)).trim().split('\n');
    expect(line).toMatch(/^conntrail: /);
    expect(line).toMatch(found);
    expect(next).toMatch(/^ {2}try: /);
    expect(next).toMatch(hint);
    expect(more).toEqual([]);
    expect(await text(`${name}.out`)).toBe('');
  });

  it('explains without the rules it may not read, and says so', async () => {
    expect(await text('no-rules.status')).toBe('0\n');
    expect(await text('no-rules.err')).toMatch(/^conntrail: .*nft.*denied/m);
  });

  it('leaves no probe behind after any of them', async () => {
    expect(await text('programs')).toMatch(/^status 0$/m);
    expect(await text('programs')).not.toMatch(/kprobe|tracepoint|tracing/);
  });
});
