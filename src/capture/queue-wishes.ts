/** What is probed of NFQUEUE: where a packet is handed to user space, and where it comes back. */
import type { Detail } from '../model/facts.ts';
import { entry, type Has, type Wish } from './wish.ts';

const PACKETS: readonly Detail[] = ['packets', 'visits'];
const BACK = 'nfqnl_reinject';

/** Without nfnetlink_queue nobody can listen to a queue: no packet waits. */
export function hasQueues(has: Has): boolean {
  return has(BACK);
}

export function queueWishes(has: Has): Wish[] {
  if (!hasQueues(has)) return [];
  const absent = 'the way of queued packets is torn';
  return [
    {
      function: 'nf_queue',
      kprobe: { entry: 'queue_enter', leave: 'queue_leave' },
      fentry: { entry: 'queue_enter', leave: 'queue_leave' },
      details: PACKETS,
      absent,
    },
    { function: BACK, ...entry('reinject'), details: PACKETS, absent },
  ];
}
