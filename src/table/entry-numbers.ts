/** What a protocol has in place of ports, by its own names: of ICMP type, code and identifier, of GRE keys. */

type Row = Readonly<Record<string, unknown>>;

const ICMP: ReadonlySet<unknown> = new Set([1, 58]);
const GRE = 47;
const DIRECTIONS = ['', '_reply'] as const;

/** A row of the table `entries`, without the columns that are no ports of this protocol. */
export function withOwnNumbers(row: Row): Record<string, unknown> {
  const { protocol } = row;
  if (!ICMP.has(protocol) && protocol !== GRE) return { ...row };
  return Object.fromEntries(
    Object.entries(row).flatMap(([name, value]): [string, unknown][] => {
      const [, end, direction] = /^(src|dst)_port(_reply)?$/.exec(name) ?? [];
      if (end === undefined) return [[name, value]];
      if (protocol === GRE) return [[`${end}_key${direction ?? ''}`, value]];
      return icmpFields(end, direction ?? '', Number(value));
    }),
  );
}

function icmpFields(end: string, direction: string, value: number): [string, number][] {
  if (end === 'src') return [[`icmp_id${direction}`, value]];
  return [
    [`icmp_type${direction}`, value >>> 8],
    [`icmp_code${direction}`, value & 255],
  ];
}

/** The way back: the same row with ports. */
export function withPorts(row: Row): Record<string, unknown> {
  const { protocol } = row;
  const own: Record<string, unknown> = { ...row };
  for (const direction of DIRECTIONS) {
    const [src, dst] = [`src_port${direction}`, `dst_port${direction}`];
    if (protocol === GRE) {
      own[src] ??= row[`src_key${direction}`];
      own[dst] ??= row[`dst_key${direction}`];
    }
    if (!ICMP.has(protocol)) continue;
    const [type, code] = [row[`icmp_type${direction}`], row[`icmp_code${direction}`]];
    own[src] ??= row[`icmp_id${direction}`];
    if (typeof type === 'number' && typeof code === 'number') own[dst] ??= type * 256 + code;
  }
  return own;
}
