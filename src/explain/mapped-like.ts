/** A stored mapping against what a rule would make. */
import { addressValue } from '../model/address.ts';
import type { Interval, Target } from '../model/ruleset.ts';
import type { FlowFact } from './flow-facts.ts';

/** Is the flow mapped as this target maps? */
export function isMappedLike(flow: FlowFact, { manip, kind, addresses, ports }: Target): boolean {
  const isSrc = manip === 'src';
  const [address, port] = isSrc
    ? [flow.replyDst, flow.replyDstPort]
    : [flow.replySrc, flow.replySrcPort];
  const [before, portBefore] = isSrc ? [flow.src, flow.srcPort] : [flow.dst, flow.dstPort];
  if (kind === 'masquerade' || kind === 'redirect') {
    if (address === before && port === portBefore) return false;
  } else if (addresses !== null && !addresses.some((range) => isWithin(address, range))) {
    return false;
  }
  return (
    ports === null || ports.some(([first, last]) => port >= Number(first) && port <= Number(last))
  );
}

function isWithin(address: string, [first, last]: Interval): boolean {
  if (address === first) return true;
  const [value, low, high] = [address, first, last].map((text) => addressValue(text));
  if (value === undefined || low === undefined || high === undefined) return false;
  return typeof value === typeof low && value >= low && value <= high;
}
