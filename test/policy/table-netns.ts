/** A network namespace of a test's own, with conntrack(8) beside the program in it. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { hasTool } from '../../src/kernel/tool.ts';
import type { Ended } from './conntrail.ts';
import { ROOT } from './sources.ts';

const TOOLS = ['ip', 'nft', 'conntrack'].filter((tool) => !hasTool(tool));
const MOST_BYTES = 1 << 28;

/** Why these tests cannot run here; undefined: they can. */
export const cannotRun: string | undefined = whyNot();

function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root, to make namespaces';
  if (TOOLS.length > 0) return `needs ${TOOLS.join(', ')}`;
  const { status, stderr } = spawnSync('unshare', ['--net', 'true'], { encoding: 'utf8' });
  return status === 0 ? undefined : `needs network namespaces: ${stderr.trim()}`;
}

export class TestNetns {
  readonly name = `ct-test-${randomBytes(4).toString('hex')}`;

  constructor() {
    this.must('ip', ['netns', 'add', this.name]);
    this.run('sysctl', ['-qw', 'net.netfilter.nf_conntrack_acct=1']);
    this.run('sysctl', ['-qw', 'net.netfilter.nf_conntrack_timestamp=1']);
    // entries have room for labels where a rule asks for them
    this.run('nft', ['-f', '-'], 'table ip t { chain c { ct label set 1; }; }');
  }

  /** Standard output of a tool in the namespace; throws where it fails. */
  run(tool: string, args: readonly string[], input?: string): string {
    return this.must('ip', ['netns', 'exec', this.name, tool, ...args], input);
  }

  /** What conntrack prints, whatever its status. */
  conntrack(...args: readonly string[]): Ended {
    const command = ['netns', 'exec', this.name, 'conntrack', ...args];
    const { status, stdout, stderr } = spawnSync('ip', command, {
      encoding: 'utf8',
      maxBuffer: MOST_BYTES,
    });
    return { status, stdout, stderr };
  }

  /** `conntrail table ARGS` for this namespace, started outside of it. */
  table(...args: readonly string[]): Ended {
    const [sub = '', ...rest] = args;
    const command = [`${ROOT}dist/cli/main.js`, 'table', sub, '--netns', this.name, ...rest];
    const { status, stdout, stderr } = spawnSync(process.execPath, command, {
      encoding: 'utf8',
      maxBuffer: MOST_BYTES,
    });
    return { status, stdout, stderr };
  }

  /** What `conntrail table ARGS` says on stderr of an input. */
  tableOf(input: string, sub: string, ...rest: readonly string[]): string {
    const command = [`${ROOT}dist/cli/main.js`, 'table', sub, '--netns', this.name, ...rest];
    return spawnSync(process.execPath, command, { encoding: 'utf8', input }).stderr;
  }

  remove(): void {
    this.must('ip', ['netns', 'del', this.name]);
  }

  private must(file: string, args: readonly string[], input?: string): string {
    const { status, stdout, stderr, error } = spawnSync(file, args, {
      encoding: 'utf8',
      maxBuffer: MOST_BYTES,
      ...(input === undefined ? {} : { input }),
    });
    if (status === 0) return stdout;
    throw new Error(`${file} ${args.join(' ')}: ${error?.message ?? stderr}`);
  }
}

/** Lines in order, without what the clock changes between two listings. */
export function timeless(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) =>
      line
        .replace(/^((?:ipv[46] +\d+ )?\S+ +\d+) \d+ /, '$1 T ')
        .replace(/ delta-time=\d+/, '')
        .replace(/^-A -t \d+/, '-A -t T')
        .replace(/<timeout>\d+/, '<timeout>T')
        .replace(/<deltatime>\d+/, '<deltatime>D'),
    )
    .sort();
}
