/**
 * `conntrack -L -o extended`, one line, to the fields that a row of `flows` has.
 * Written from conntrack(8) and its output, on purpose apart from src/.
 */
export interface ConntrackEntry {
  readonly family: number;
  readonly protocol: number;
  readonly src: string;
  readonly dst: string;
  readonly srcPort: number;
  readonly dstPort: number;
  readonly srcReply: string;
  readonly dstReply: string;
  readonly srcPortReply: number;
  readonly dstPortReply: number;
  readonly mark: number;
  readonly zone: number;
  readonly zoneDirection: 'both' | 'original' | 'reply';
  readonly isAssured: boolean;
  readonly isUnreplied: boolean;
}

/** The type and code of an echo are told once per direction; the id too. */
export function parseConntrackLine(line: string): ConntrackEntry {
  const words = line.trim().split(/\s+/);
  const values = new Map<string, string[]>();
  for (const word of words) {
    const [name, value] = word.split('=');
    if (value === undefined || name === undefined) continue;
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  const text = (name: string, index: number): string => values.get(name)?.[index] ?? '';
  const number = (name: string, index = 0): number => Number(text(name, index) || 0);
  const isIcmp = values.has('type');
  const isKeyed = values.has('srckey'); // GRE: keys of PPTP, in hexadecimal
  const port = (name: 'sport' | 'dport', index: number): number => {
    if (isKeyed) return number(name === 'sport' ? 'srckey' : 'dstkey', index);
    if (!isIcmp) return number(name, index);
    return name === 'sport'
      ? number('id', index)
      : number('type', index) * 256 + number('code', index);
  };
  return {
    family: words[0] === 'ipv4' ? 4 : 6,
    protocol: Number(words[3]),
    src: text('src', 0),
    dst: text('dst', 0),
    srcPort: port('sport', 0),
    dstPort: port('dport', 0),
    srcReply: text('src', 1),
    dstReply: text('dst', 1),
    srcPortReply: port('sport', 1),
    dstPortReply: port('dport', 1),
    mark: number('mark'),
    zone: number('zone') + number('zone-orig') + number('zone-reply'),
    zoneDirection: values.has('zone-orig')
      ? 'original'
      : values.has('zone-reply')
        ? 'reply'
        : 'both',
    isAssured: words.includes('[ASSURED]'),
    isUnreplied: words.includes('[UNREPLIED]'),
  };
}
