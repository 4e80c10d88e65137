/** Rows of the table `flows`, kept as they came and read when a flow is asked for. */
import type { BatchView } from '../columns/batch-view.ts';
import { tupleText } from '../columns/describe-row.ts';
import { protocolName } from '../model/codes.ts';
import type { Manip } from '../model/ruleset.ts';

export interface FlowFact {
  readonly flow: number;
  readonly netns: number;
  readonly zone: number;
  readonly family: 4 | 6;
  readonly protocol: number;
  readonly src: string;
  readonly dst: string;
  readonly srcPort: number;
  readonly dstPort: number;
  readonly replySrc: string;
  readonly replyDst: string;
  readonly replySrcPort: number;
  readonly replyDstPort: number;
  readonly mark: number;
  /** IPS_* bits. */
  readonly status: number;
  readonly isOlder: boolean;
  /** ns since 1970. */
  readonly firstAt: number;
  readonly confirm: string;
  readonly end: string;
  /** How each manip was decided (MAPPINGS), and rules.rule of the rule that did. */
  readonly nat: Readonly<Record<Manip, string>>;
  readonly rule: Readonly<Record<Manip, number | null>>;
  readonly isComplete: boolean;
  /** `tcp 10.0.1.2:5001 > 10.0.1.1:2222`. */
  readonly text: string;
}

interface Place {
  readonly view: BatchView;
  readonly row: number;
}

export class FlowFacts {
  private readonly places = new Map<number, Place>();

  add(view: BatchView): void {
    const numbers = view.bigs('flow');
    for (let row = 0; row < view.rows; row++) this.places.set(Number(numbers[row]!), { view, row });
  }

  get(flow: number): FlowFact | undefined {
    const place = this.places.get(flow);
    return place === undefined ? undefined : factOf(place);
  }

  *[Symbol.iterator](): Generator<FlowFact> {
    for (const place of this.places.values()) yield factOf(place);
  }
}

function factOf({ view, row }: Place): FlowFact {
  const number = (name: string): number => view.numbers(name)[row]!;
  const rule = (manip: Manip): number | null =>
    view.isNull(`${manip}_rule`, row) ? null : number(`${manip}_rule`);
  return {
    flow: Number(view.bigs('flow')[row]!),
    netns: number('netns'),
    zone: number('zone'),
    family: number('family') === 4 ? 4 : 6,
    protocol: number('protocol'),
    src: view.address('src', row),
    dst: view.address('dst', row),
    srcPort: number('src_port'),
    dstPort: number('dst_port'),
    replySrc: view.address('src_reply', row),
    replyDst: view.address('dst_reply', row),
    replySrcPort: number('src_port_reply'),
    replyDstPort: number('dst_port_reply'),
    mark: number('mark'),
    status: number('status'),
    isOlder: view.isTrue('older', row),
    firstAt: Number(view.bigs('first_at')[row]!),
    confirm: view.word('confirm', row) ?? '',
    end: view.word('end', row) ?? '',
    nat: { src: view.word('src_nat', row) ?? '', dst: view.word('dst_nat', row) ?? '' },
    rule: { src: rule('src'), dst: rule('dst') },
    isComplete: view.isTrue('complete', row),
    text: `${protocolName(number('protocol'))} ${tupleText(view, row)}`,
  };
}
