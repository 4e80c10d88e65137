/** The conntrack table of a namespace as `conntrack` and /proc tell it. */
import { type Entry, entryKey } from '../model/entry.ts';
import { TraceError } from '../model/error.ts';
import { parseEntries } from '../table/parse-listing.ts';
import { readSystemText } from './system-text.ts';
import { hasTool, runTool } from './tool.ts';

const TABLE = '/proc/net/nf_conntrack';

/**
 * All entries, of the namespace at the path `netns`, else of our own. Whether an entry
 * was expected by a helper only the command conntrack tells.
 */
export function readEntries(netns?: string): Entry[] {
  const text = netns === undefined ? readSystemText(TABLE) : enteredText(netns);
  const entries = parseEntries(text ?? listed([], netns));
  if (!hasTool('conntrack')) return entries;
  const expected = new Set(parseEntries(listed(['-u', 'EXPECTED'], netns)).map(entryKey));
  return entries.map((entry) => ({ ...entry, isExpected: expected.has(entryKey(entry)) }));
}

/** Undefined where this kernel has no such file (CONFIG_NF_CONNTRACK_PROCFS). */
function enteredText(netns: string): string | undefined {
  try {
    return runTool('cat', [TABLE], netns);
  } catch (error) {
    if (error instanceof TraceError && /nf_conntrack: No such file/.test(error.message)) return;
    throw error;
  }
}

function listed(more: readonly string[], netns?: string): string {
  return ['ipv4', 'ipv6']
    .map((family) => runTool('conntrack', ['-L', '-f', family, '-o', 'extended', ...more], netns))
    .join('\n');
}
