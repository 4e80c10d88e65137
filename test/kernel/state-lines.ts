/**
 * What the kernel itself says of changes: lines of `conntrack -E` and
 * `conntrack -L`, by entry. Written from conntrack(8) and its output, on
 * purpose apart from src/.
 */
import { parseConntrackLine } from './conntrack-line.ts';

/** `syn_recv replied`, `assured`: TCP's state in lower case where there is one, then the reply state. */
export interface EntryChanges {
  /** In order, one after the other different; the first is that of a new entry. */
  readonly states: string[];
  isDestroyed: boolean;
}

const LINE = /^(?:\[[\d.]+\s*\]\s*)?\[(NEW|UPDATE|DESTROY)\]\s+(.*)$/;

/** `6 10.0.1.2:5001 > 10.0.1.1:8080`: protocol and original tuple. */
export function keyOf(entry: {
  protocol: number;
  src: string;
  dst: string;
  srcPort: number;
  dstPort: number;
}): string {
  const { protocol, src, dst, srcPort, dstPort } = entry;
  return `${protocol} ${src}:${srcPort} > ${dst}:${dstPort}`;
}

/** Of a line without its time and its kind. */
function stateIn(line: string): string {
  const { isAssured, isUnreplied } = parseConntrackLine(line);
  const reply = isAssured ? 'assured' : isUnreplied ? 'unreplied' : 'replied';
  const tcp =
    /\b(NONE|SYN_SENT2?|SYN_RECV|ESTABLISHED|FIN_WAIT|CLOSE_WAIT|LAST_ACK|TIME_WAIT|CLOSE)\b/;
  const [state] = tcp.exec(line) ?? [];
  return state === undefined ? reply : `${state.toLowerCase()} ${reply}`;
}

/** Lines of `conntrack -E -o timestamp,extended`. */
export function changesIn(text: string): Map<string, EntryChanges> {
  const found = new Map<string, EntryChanges>();
  for (const line of text.split('\n')) {
    const [, kind, rest] = LINE.exec(line.trim()) ?? [];
    if (kind === undefined || rest === undefined) continue;
    const key = keyOf(parseConntrackLine(rest));
    if (kind === 'NEW') found.set(key, { states: [], isDestroyed: false });
    const entry = found.get(key);
    if (entry === undefined) continue; // it began before anybody listened
    if (kind === 'DESTROY') entry.isDestroyed = true;
    else if (entry.states.at(-1) !== stateIn(rest)) entry.states.push(stateIn(rest));
  }
  return found;
}

/** The last state of each entry in `conntrack -L -o extended`. */
export function statesListed(lines: readonly string[]): Map<string, string> {
  return new Map(lines.map((line) => [keyOf(parseConntrackLine(line)), stateIn(line)]));
}

export interface Sniffed {
  /** ns since 1970. */
  readonly at: bigint;
  readonly device: string;
  readonly isIn: boolean;
  /** `10.0.1.2.40000 > 10.0.1.1.8080`. */
  readonly ends: string;
  readonly flags: string;
}

/** Lines of `tcpdump -i any -tt --time-stamp-precision=nano`, of TCP. */
export function sniffedIn(text: string): Sniffed[] {
  const line = /^(\d+)\.(\d{9}) (\S+)\s+(In|Out)\s+IP6? (\S+ > [^:\s]+\S*): Flags \[([^\]]*)\]/;
  return text.split('\n').flatMap((one): Sniffed[] => {
    const [, seconds, ns, device = '', way, ends = '', flags = ''] = line.exec(one) ?? [];
    if (seconds === undefined || ns === undefined) return [];
    return [{ at: BigInt(seconds + ns), device, isIn: way === 'In', ends, flags }];
  });
}
