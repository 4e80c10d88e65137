import { describe, expect, it } from 'vitest';
import { hasTool, runTool } from '../../src/kernel/tool.ts';

describe('a tool that reads rules', () => {
  it('is named when it is not installed', () => {
    expect(() => runTool('conntrail-no-such-tool', [])).toThrow(
      'conntrail-no-such-tool is not installed, needed to read the loaded rules',
    );
    expect(hasTool('conntrail-no-such-tool')).toBe(false);
  });

  it('is named so in another namespace too', (context) => {
    if (process.getuid?.() !== 0) context.skip('needs root, to enter a network namespace');
    expect(() => runTool('conntrail-no-such-tool', [], '/proc/self/ns/net')).toThrow(
      'conntrail-no-such-tool is not installed, needed to read the loaded rules',
    );
    expect(() => runTool('true', [], '/run/netns/conntrail-none')).toThrow(
      'cannot open /run/netns/conntrail-none: No such file or directory',
    );
  });

  it('is refused with its own words', () => {
    expect(() => runTool('sh', ['-c', 'echo "Operation not permitted" >&2; exit 1'])).toThrow(
      /: Operation not permitted$/,
    );
    expect(() => runTool('sh', ['-c', 'exit 7'])).toThrow('exit status 7');
  });
});
