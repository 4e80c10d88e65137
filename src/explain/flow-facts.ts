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

  numbers(): IterableIterator<number> {
    return this.places.keys();
  }

  netnsOf(flow: number): number {
    const { view, row } = this.places.get(flow)!;
    return view.numbers('netns')[row]!;
  }

  /** The rules that decided a flow, by rules.rule; for each flow once. */
  eachRules(visit: (src: number | null, dst: number | null) => void): void {
    for (const { view, row } of this.places.values()) {
      visit(ruleOf(view, row, 'src'), ruleOf(view, row, 'dst'));
    }
  }

  /** `10.0.1.2:5001 > 10.0.1.1:2222`, of one direction. */
  tupleOf(flow: number, direction: 'original' | 'reply'): string {
    const { view, row } = this.places.get(flow)!;
    return tupleText(view, row, direction === 'reply' ? '_reply' : '');
  }
}

function factOf({ view, row }: Place): FlowFact {
  const number = (name: string): number => view.numbers(name)[row]!;
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
    rule: { src: ruleOf(view, row, 'src'), dst: ruleOf(view, row, 'dst') },
    isComplete: view.isTrue('complete', row),
    get text() {
      return `${protocolName(number('protocol'))} ${tupleText(view, row)}`;
    },
  };
}

function ruleOf(view: BatchView, row: number, manip: Manip): number | null {
  const name = manip === 'src' ? 'src_rule' : 'dst_rule';
  return view.isNull(name, row) ? null : view.numbers(name)[row]!;
}
