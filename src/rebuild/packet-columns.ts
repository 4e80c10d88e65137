import { HOOKS } from '../model/codes.ts';
import { layoutOf } from '../model/row-layout.ts';
import { PACKETS } from '../model/tables.ts';
import { nullMask } from './row-words.ts';

/** Words of the columns of `packets` within a row. */
export const layout = layoutOf(PACKETS);
const { at, index } = layout;

export const Packet = {
  number: at('packet'),
  netns: at('netns'),
  cpu: at('cpu'),
  flow: at('flow'),
  direction: at('direction'),
  state: at('state'),
  family: at('family'),
  protocol: at('protocol'),
  src: at('src'),
  dst: at('dst'),
  srcPort: at('src_port'),
  dstPort: at('dst_port'),
  srcAfter: at('src_after'),
  dstAfter: at('dst_after'),
  srcPortAfter: at('src_port_after'),
  dstPortAfter: at('dst_port_after'),
  length: at('length'),
  mark: at('mark'),
  inIfindex: at('in_ifindex'),
  outIfindex: at('out_ifindex'),
  startedAt: at('started_at'),
  startedKtime: at('started_ktime_ns'),
  lastHook: at('last_hook'),
  verdict: at('verdict'),
  srcNat: at('src_nat'),
  dstNat: at('dst_nat'),
  chainRuns: at('chain_runs'),
  confirm: at('confirm'),
  dropReason: at('drop_reason'),
  dropLocation: at('drop_location'),
  complete: at('complete'),
} as const;

/** Words of the time and the duration at each hook, by hook number. */
export const hookAt: readonly number[] = HOOKS.map((hook) => at(`${hook}_at`));
export const hookNs: readonly number[] = HOOKS.map((hook) => at(`${hook}_ns`));
export const hookChains: readonly number[] = HOOKS.map((hook) => at(`${hook}_chains`));
export const hookRewritten: readonly number[] = HOOKS.map((hook) => at(`${hook}_rewritten`));

/** Columns that may be null, by index. */
export const PacketNull = {
  flow: index('flow'),
  direction: index('direction'),
  inIfindex: index('in_ifindex'),
  outIfindex: index('out_ifindex'),
  dropReason: index('drop_reason'),
  dropLocation: index('drop_location'),
} as const;
/** Columns of each hook, null together where the packet did not pass it. */
const hookColumns = HOOKS.map((hook) =>
  ['at', 'ns', 'chains', 'rewritten'].map((what) => index(`${hook}_${what}`)),
);
export const hookNull: readonly Int32Array[] = hookColumns.map(nullMask);
/** Every column that may be null. */
export const allNull = nullMask([...Object.values(PacketNull), ...hookColumns.flat()]);
/** One of them: tells whether the packet has passed the hook. */
export const hookAtNull: readonly number[] = HOOKS.map((hook) => index(`${hook}_at`));

/** Words of our own, after the row. */
export const PacketExtra = {
  skb: 0,
  lastAt: 2, // time of the last record about it
  droppedAt: 4, // time of the drop record
  bits: 6,
  words: 8,
} as const;

export const PacketBit = {
  visited: 1, // at least one visit; without: only a drop record so far
  conntrackRan: 2,
  dropped: 4, // a drop record is part of the row
  torn: 8,
  mapped: 16, // counted among its flow's mapped packets
  chained: 32, // counted among those for which a nat chain ran
  foreign: 64, // the drop names another tuple: of this packet only if a visit was running
} as const;
