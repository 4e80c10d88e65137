/**
 * Rows of `packets` and `flows` in, counts per hook and per flow out: for which
 * packets a nat chain ran, and why for the others none did.
 *
 * A nat chain runs only for a packet whose flow has no decision yet for that
 * manip (nf_nat_inet_fn). Everything here follows from that and from what the
 * rows say happened.
 */
import type { BatchView } from '../columns/batch-view.ts';
import { tupleText } from '../columns/describe-row.ts';
import { HOOKS, type HookName, protocolName } from '../model/codes.ts';
import {
  add,
  count,
  type FlowAccount,
  type HookAccount,
  hookOf,
  merge,
  type NetnsAccount,
  newFlow,
  newTally,
  type Tallied,
} from './counts.ts';
import { isDroppedAt, skipByFlow, skipOf } from './skip.ts';

/** Packets of one flow at one hook that no chain was asked about; the flow will tell why. */
interface Unnamed {
  readonly account: HookAccount;
  readonly hook: HookName;
  readonly flow: string;
  readonly isDropped: boolean;
  readonly tally: Tallied;
}

export class Account {
  readonly namespaces = new Map<number, NetnsAccount>();
  readonly flows = new Map<string, FlowAccount>();
  private readonly unnamed = new Map<string, Unnamed>();

  addPackets(view: BatchView): void {
    for (let row = 0; row < view.rows; row++) this.addPacket(view, row);
  }

  addFlows(view: BatchView): void {
    for (let row = 0; row < view.rows; row++) this.addFlow(view, row);
  }

  /** After the last row. */
  finish(): void {
    for (const { account, hook, flow, isDropped, tally } of this.unnamed.values()) {
      merge(account.skipped, skipByFlow(this.flows.get(flow), hook, isDropped), tally);
    }
    this.unnamed.clear();
  }

  private addPacket(view: BatchView, row: number): void {
    const netns = this.netnsOf(view.numbers('netns')[row]!);
    netns.packets++;
    if (!view.isTrue('complete', row)) netns.torn++;
    const flow = view.isNull('flow', row) ? undefined : String(view.bigs('flow')[row]);
    for (const hook of HOOKS) {
      if (!view.isNull(`${hook}_at`, row)) this.addVisit(view, row, hook, netns, flow);
    }
    if (flow !== undefined) this.addToFlow(view, row, flow);
  }

  private addVisit(
    view: BatchView,
    row: number,
    hook: HookName,
    netns: NetnsAccount,
    flow: string | undefined,
  ): void {
    const account = hookOf(netns, hook);
    const packet = String(view.bigs('packet')[row]);
    account.packets++;
    if (isDroppedAt(view, row, hook)) count(account.dropped, dropText(view, row), packet);
    if (view.isTrue(`${hook}_chains`, row)) {
      add(account.ran, packet);
      return;
    }
    const skip = skipOf(view, row, hook);
    if (skip !== undefined || flow === undefined) {
      count(account.skipped, skip ?? 'unknown', packet);
      return;
    }
    const isDropped = isDroppedAt(view, row, hook);
    const key = `${flow} ${hook} ${isDropped}`;
    const unnamed = this.unnamed.get(key) ?? { account, hook, flow, isDropped, tally: newTally() };
    this.unnamed.set(key, unnamed);
    add(unnamed.tally, packet);
  }

  private addToFlow(view: BatchView, row: number, number: string): void {
    const flow = this.flowOf(number, view.numbers('netns')[row]!);
    const direction =
      flow.directions[view.word('direction', row) === 'reply' ? 'reply' : 'original'];
    const isMapped =
      view.word('src_nat', row) === 'mapping' || view.word('dst_nat', row) === 'mapping';
    direction.packets++;
    if (view.numbers('chain_runs')[row]! > 0) direction.ranChains++;
    else if (isMapped) direction.mapped++;
    else direction.untouched++;
    if (view.word('verdict', row) === 'drop') direction.dropped++;
    for (const hook of HOOKS) {
      if (!view.isNull(`${hook}_at`, row) && view.isTrue(`${hook}_chains`, row)) {
        flow.chainHooks.add(hook);
      }
    }
  }

  private addFlow(view: BatchView, row: number): void {
    const flow = this.flowOf(String(view.bigs('flow')[row]), view.numbers('netns')[row]!);
    flow.protocol = protocolName(view.numbers('protocol')[row]!);
    flow.original = tupleText(view, row);
    flow.reply = tupleText(view, row, '_reply');
    flow.srcNat = view.word('src_nat', row) ?? '';
    flow.dstNat = view.word('dst_nat', row) ?? '';
    flow.confirm = view.word('confirm', row) ?? '';
    flow.end = view.word('end', row) ?? '';
    flow.isOlder = view.isTrue('older', row);
    flow.isComplete = view.isTrue('complete', row);
  }

  private netnsOf(inode: number): NetnsAccount {
    const known = this.namespaces.get(inode);
    if (known !== undefined) return known;
    const netns: NetnsAccount = { packets: 0, torn: 0, hooks: new Map() };
    this.namespaces.set(inode, netns);
    return netns;
  }

  private flowOf(number: string, netns: number): FlowAccount {
    const known = this.flows.get(number);
    if (known !== undefined) return known;
    const flow = newFlow(number, netns);
    this.flows.set(number, flow);
    return flow;
  }
}

function dropText(view: BatchView, row: number): string {
  const reason = view.word('drop_reason', row) ?? 'no reason known';
  return `${reason} in ${view.word('drop_location', row) ?? 'a place not known'}`;
}
