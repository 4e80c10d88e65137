/** The life of one flow: each packet's way, who decided what, and how it ended. */
import type { BatchView } from '../columns/batch-view.ts';
import { TraceError } from '../model/error.ts';
import {
  type ChangeOfState,
  changeOf,
  type FlowLife,
  flowText,
  lifeOf,
  type Step,
  stepOf,
  type TakenFromFlow,
} from './flow-steps.ts';

/** So many packets of a flow are told one by one, and so many flows of one tuple. */
const MAX_STEPS = 50;
const MAX_LIVES = 5;

interface Kept {
  readonly steps: Step[];
  readonly changes: ChangeOfState[];
  more: number;
}

export class FlowLives {
  private readonly selector: string;
  private readonly wanted: string;
  private readonly kept = new Map<string, Kept>();
  private readonly flows = new Map<string, TakenFromFlow>();
  private count = 0;
  private example = '';

  /** `tcp 10.0.0.2:5000 > 10.0.1.1:80`, as the flow is shown, or its number. */
  constructor(selector: string) {
    this.selector = selector;
    this.wanted = selector
      .trim()
      .toLowerCase()
      .replace(/^flow (?=\d+$)/, '')
      .replace(/\s*-?>\s*/g, ' > ')
      .replace(/\s+/g, ' ');
    if (/^\d+$/.test(this.wanted)) this.keep(this.wanted);
  }

  /** The tuple of a flow is not known before its row: where flows can be read first, they should. */
  addFlows(view: BatchView): void {
    for (let row = 0; row < view.rows; row++) {
      const flow = String(view.bigs('flow')[row]);
      this.count++;
      if (this.example === '') this.example = flowText(view, row);
      const texts = [flowText(view, row), flowText(view, row, '_reply')];
      const isWanted = this.kept.has(flow) || texts.includes(this.wanted);
      if (isWanted && this.keep(flow)) this.flows.set(flow, lifeOf(view, row));
    }
  }

  addPackets(view: BatchView): void {
    for (let row = 0; row < view.rows; row++) {
      if (view.isNull('flow', row)) continue;
      const flow = String(view.bigs('flow')[row]);
      const isFirst = !this.kept.has(flow);
      if (isFirst && flowText(view, row) !== this.wanted) continue;
      const kept = this.keep(flow);
      if (kept === undefined) continue;
      if (kept.steps.length < MAX_STEPS) kept.steps.push(stepOf(view, row));
      else kept.more++;
    }
  }

  addStates(view: BatchView): void {
    for (let row = 0; row < view.rows; row++) {
      const flow = String(view.bigs('flow')[row]);
      if (!this.kept.has(flow) && flowText(view, row) !== this.wanted) continue;
      const kept = this.keep(flow);
      if (kept !== undefined && kept.changes.length < MAX_STEPS) {
        kept.changes.push(changeOf(view, row));
      }
    }
  }

  /** Throws TraceError of kind usage where the trace has no such flow. */
  finish(): FlowLife[] {
    const found = [...this.flows].map(([flow, life]) => {
      const { steps, changes, more } = this.kept.get(flow)!;
      return { ...life, steps, changes, morePackets: more };
    });
    if (found.length > 0) return found;
    const needed =
      this.count === 0
        ? 'the trace has no flows'
        : `needed its number or a tuple such as "${this.example}"`;
    throw new TraceError('usage', `--flow: found "${this.selector}", no such flow, ${needed}`);
  }

  private keep(flow: string): Kept | undefined {
    const known = this.kept.get(flow);
    if (known !== undefined || this.kept.size >= MAX_LIVES) return known;
    const kept = { steps: [], changes: [], more: 0 };
    this.kept.set(flow, kept);
    return kept;
  }
}
