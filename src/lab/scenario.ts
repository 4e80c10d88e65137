/** A scenario: namespaces, rules and traffic whose way through NAT is known beforehand. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** An endpoint in a namespace. */
export interface Listener extends Endpoint {
  readonly namespace: string;
}

export const TCP_FLAGS = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32 } as const;

/** What messages travel in. */
export type MessageKind = 'tcp' | 'udp' | 'udplite' | 'sctp';

/** One thing that happens; each kind is spelt in a scenario file as it is here. */
export type Step =
  | {
      readonly kind: MessageKind;
      readonly from: string;
      readonly to: Endpoint;
      readonly listen: Listener | undefined;
      /** How often, each from a source port of its own. */
      readonly flows: number;
      /** Messages per flow, each waited for when it is answered. */
      readonly send: number;
      /** TCP and SCTP always answer. */
      readonly reply: boolean;
      /** Address the messages come from; what routing chooses where not given. */
      readonly source: string | undefined;
      readonly sourcePort: number | undefined;
      /** Of each message; more than a packet holds goes out in fragments. */
      readonly bytes: number;
      /** Type of service, or of IPv6 the traffic class. */
      readonly tos: number | undefined;
      /** Routers that a message may pass before it is too old, and one more. */
      readonly ttl: number | undefined;
    }
  | {
      readonly kind: 'ping';
      readonly from: string;
      readonly to: string;
      /** How often ping is run, each with an identifier of its own. */
      readonly flows: number;
      readonly count: number;
      /** Nothing is to come back. */
      readonly unanswered: boolean;
    }
  | {
      readonly kind: 'flood';
      readonly from: string;
      readonly to: Endpoint;
      readonly count: number;
      readonly bytes: number;
      readonly sourcePort: number | undefined;
    }
  | {
      readonly kind: 'raw_tcp';
      readonly from: string;
      readonly to: Endpoint;
      readonly sourcePort: number;
      readonly flags: number;
      /** Of the first segment; each further one has one more. */
      readonly sequence: number;
      readonly count: number;
    }
  | {
      readonly kind: 'race';
      /** The two ends; each sends one packet per flow, from its port to the other's, both +i. */
      readonly between: Listener;
      readonly and: Listener;
      readonly flows: number;
    }
  | { readonly kind: 'run'; readonly in: string; readonly command: string }
  | { readonly kind: 'together'; readonly steps: readonly Step[] };

export type StepOf<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>;

/** Length of a message where a step names none. */
export const MESSAGE_BYTES = 32;

/** No step but a flood takes longer. */
export const STEP_MS = 30_000;

export type RuleTool =
  | 'nft'
  | 'iptables'
  | 'ip6tables'
  | 'iptables-nft'
  | 'ip6tables-nft'
  | 'iptables-legacy'
  | 'ip6tables-legacy'
  | 'iptables-nft-restore'
  | 'ip6tables-nft-restore'
  | 'iptables-legacy-restore'
  | 'ip6tables-legacy-restore';

/**
 * Texts by tool: nft's own language, one iptables command line per line, or for
 * -restore what iptables-save writes.
 */
export type Ruleset = Readonly<Partial<Record<RuleTool, string>>>;

export type TopologyName = 'routed' | 'layered' | 'bridged' | 'single';

export interface Scenario {
  /** The file's name without its ending. */
  readonly name: string;
  readonly title: string;
  readonly why: string;
  readonly topology: TopologyName;
  readonly sysctl: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Namespaces in which the kernel counts packets per hook: see hook-counts.ts. */
  readonly count: readonly string[];
  /** Namespaces in which it counts packets per conntrack entry: see flow-counts.ts. */
  readonly countFlows: readonly string[];
  /** Namespaces in which tcpdump runs, where the kernel's own account is asked for. */
  readonly sniff: readonly string[];
  readonly rules: Readonly<Record<string, Ruleset>>;
  readonly beforeTrace: readonly Step[];
  readonly traffic: readonly Step[];
  /**
   * As written; tests read it. What they know:
   * counters: packets in the end of the rules with these comments.
   * marks: what rules with these comments write into the entry's mark when they
   *   decide, the lower half about dst, the upper half about src.
   * causes: by namespace and rule, why packets that would match did not count
   *   there, and how many: `{ router: { ip nat output comment replies: { reply direction: 12 } } }`.
   */
  readonly expect: Readonly<Record<string, unknown>>;
}
