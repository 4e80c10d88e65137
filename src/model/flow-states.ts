/** States of a conntrack entry, as words. Order is part of the schema: new words go to the end. */

/** enum tcp_conntrack (uapi/linux/netfilter/nf_conntrack_tcp.h); syn_sent2 is its LISTEN. */
export const TCP_STATES = [
  'none',
  'syn_sent',
  'syn_recv',
  'established',
  'fin_wait',
  'close_wait',
  'last_ack',
  'time_wait',
  'close',
  'syn_sent2',
] as const;
export const TcpState = { synSent: 1, established: 3 } as const;

/** What IPS_SEEN_REPLY and IPS_ASSURED say, the latter first. */
export const REPLY_STATES = ['unreplied', 'replied', 'assured'] as const;
export const ReplyState = { unreplied: 0, replied: 1, assured: 2 } as const;
