/** A packet as one hook sees it, and what its fields are worth in a comparison. */
import { addressValue } from '../model/address.ts';
import { type HookName, hasPorts } from '../model/codes.ts';
import type { Field } from '../model/ruleset.ts';

/** Whether something holds; maybe: what is known of the packet does not tell. */
export type Truth = 'no' | 'maybe' | 'yes';

/**
 * The first packet of a flow at one hook. Addresses as flows are shown: IPv4
 * dotted, IPv6 as RFC 5952 says; ICMP: srcPort is the identifier, dstPort
 * type * 256 + code. What is absent is not known.
 */
export interface Asked {
  readonly hook: HookName;
  readonly family: 4 | 6;
  readonly protocol: number;
  readonly src: string;
  readonly dst: string;
  readonly srcPort: number;
  readonly dstPort: number;
  /** Interface names; where a hook has no such interface it is known to be ''. */
  readonly in?: string | undefined;
  readonly out?: string | undefined;
  readonly mark?: number | undefined;
  /** Bits of `mark` that are known; absent: all of them. */
  readonly markMask?: number;
  readonly ctMark?: number;
  readonly state?: string | undefined;
  readonly isLocal?: (address: string) => boolean | undefined;
}

/** A mark of which only some bits may be known; both as 32 bits without sign. */
export interface Mark {
  readonly value: number;
  readonly known: number;
}

const ALL_BITS = 0xffffffff;
const UNKNOWN: Mark = { value: 0, known: 0 };

/** What is asked, made ready: read many times by terms, the mark changed by rules. */
export class Seen {
  readonly asked: Asked;
  readonly hasPorts: boolean;
  readonly in: string | undefined;
  readonly out: string | undefined;
  mark: Mark;
  ctMark: Mark;
  private source: number | bigint | undefined;
  private destination: number | bigint | undefined;

  constructor(asked: Asked) {
    const { hook } = asked;
    this.asked = asked;
    this.hasPorts = hasPorts(asked.protocol);
    this.in = hook === 'output' ? '' : asked.in;
    this.out = hook === 'prerouting' || hook === 'input' ? '' : asked.out;
    this.mark = markOf(asked.mark, asked.markMask);
    this.ctMark = markOf(asked.ctMark, undefined);
  }

  get src(): number | bigint | undefined {
    this.source ??= addressValue(this.asked.src);
    return this.source;
  }

  get dst(): number | bigint | undefined {
    this.destination ??= addressValue(this.asked.dst);
    return this.destination;
  }

  forgetMark(field: 'mark' | 'ct_mark'): void {
    if (field === 'mark') this.mark = UNKNOWN;
    else this.ctMark = UNKNOWN;
  }

  /** As an exact interval would write it; undefined: not known, or nothing to look up by. */
  text(field: Field): string | undefined {
    const { asked } = this;
    switch (field) {
      case 'family':
      case 'protocol':
        return String(asked[field]);
      case 'src':
      case 'dst':
        return asked[field];
      case 'src_port':
        return this.hasPorts ? String(asked.srcPort) : undefined;
      case 'dst_port':
        return this.hasPorts ? String(asked.dstPort) : undefined;
      case 'in':
      case 'out':
        return this[field];
      case 'state':
        return asked.state;
      default:
        return undefined;
    }
  }
}

function markOf(value: number | undefined, mask = ALL_BITS): Mark {
  return value === undefined ? UNKNOWN : { value: (value & mask) >>> 0, known: mask >>> 0 };
}

/** After `(mark & ~mask) ^ value`. */
export function setMark(mark: Mark, mask: number, value: number): Mark {
  const known = mark.known | mask;
  return { value: (((mark.value & ~mask) ^ value) & known) >>> 0, known: known >>> 0 };
}

/** What is known where it may be either of them; an absent one is no possibility. */
export function eitherMark(one: Mark | undefined, other: Mark): Mark {
  if (one === undefined) return other;
  const known = one.known & other.known & ~(one.value ^ other.value);
  return { value: (one.value & known) >>> 0, known: known >>> 0 };
}
