/**
 * The kernel's own count of packets and bytes per conntrack entry and direction:
 * one nft set, filled where a packet leaves its last NAT hook, input or
 * postrouting, after every other chain. Of a loopback it sees both.
 */
import type { Net } from './topology.ts';

const TABLE = 'lab_flows';

const TEXT = `table inet ${TABLE} {
  set flows {
    typeof ct id . ct mark . ct direction
    size 65535
    flags dynamic
  }
  chain input {
    type filter hook input priority 360
    update @flows { ct id . ct mark . ct direction counter }
  }
  chain postrouting {
    type filter hook postrouting priority 360
    update @flows { ct id . ct mark . ct direction counter }
  }
}
`;

export interface Count {
  readonly packets: number;
  readonly bytes: number;
}

export interface FlowCount {
  /** As `conntrack -L -o id` says it. */
  readonly id: number;
  /** Of the entry, when the packets passed. */
  readonly mark: number;
  readonly original: Count;
  readonly reply: Count;
}

export async function addFlowCounters(net: Net, namespace: string): Promise<void> {
  await net.need(namespace, ['nft', '-f', '-'], { input: TEXT });
}

/** As `nft -j` prints an element. */
interface PrintedElement {
  readonly elem: {
    readonly val: { readonly concat: readonly [number, number, 'original' | 'reply'] };
    readonly counter: Count;
  };
}

/** What the set holds now, by id and mark. */
export async function readFlowCounts(net: Net, namespace: string): Promise<FlowCount[]> {
  const text = await net.need(namespace, ['nft', '-j', 'list', 'set', 'inet', TABLE, 'flows']);
  const { nftables } = JSON.parse(text) as {
    nftables: { set?: { elem?: readonly PrintedElement[] } }[];
  };
  const counts = new Map<string, FlowCount>();
  for (const { elem } of nftables.flatMap(({ set }) => set?.elem ?? [])) {
    const [id, mark, direction] = elem.val.concat;
    const { packets, bytes } = elem.counter;
    const nothing = { packets: 0, bytes: 0 };
    const others = counts.get(`${id} ${mark}`) ?? { id, mark, original: nothing, reply: nothing };
    counts.set(`${id} ${mark}`, { ...others, [direction]: { packets, bytes } });
  }
  return [...counts.values()];
}

function less(after: Count, before: Count | undefined): Count {
  return {
    packets: after.packets - (before?.packets ?? 0),
    bytes: after.bytes - (before?.bytes ?? 0),
  };
}

/** What came to pass between two readings; entries that stood still are left out. */
export function flowCountsBetween(
  before: readonly FlowCount[],
  after: readonly FlowCount[],
): FlowCount[] {
  const counts = after.map(({ id, mark, original, reply }) => {
    const earlier = before.find((count) => count.id === id && count.mark === mark);
    return {
      id,
      mark,
      original: less(original, earlier?.original),
      reply: less(reply, earlier?.reply),
    };
  });
  return counts.filter(({ original, reply }) => original.packets + reply.packets > 0);
}
