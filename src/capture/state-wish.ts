/** Changes of state of flows alone: where packets are traced, these bring them. */
import type { Asked, Wish } from './wish.ts';

/**
 * nf_conntrack_in() has done, when it returns, all that a packet changes of its
 * entry, whatever the protocol: each protocol's own function, and IPS_SEEN_REPLY
 * after it.
 */
const TRACKED: Wish = {
  function: 'nf_conntrack_in',
  kprobe: { entry: 'track', leave: 'tracked' },
  fentry: { leave: 'tracked' },
  details: ['flows'],
};

export function stateWishes({ detail, states }: Asked): readonly Wish[] {
  return states && TRACKED.details.includes(detail) ? [TRACKED] : [];
}
