import type { ConntrackStats } from '../model/ledger.ts';
import { parseConntrackStats } from '../table/parse-proc-stats.ts';
import { readSystemText } from './system-text.ts';

/** Of the network namespace of this process; null where the kernel does not show them. */
export function readConntrackStats(path = '/proc/net/stat/nf_conntrack'): ConntrackStats | null {
  const text = readSystemText(path);
  return text === undefined ? null : parseConntrackStats(text);
}
