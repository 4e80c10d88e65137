import type { Step } from './scenario.ts';

/** What became of one step of the traffic. */
export interface StepResult {
  readonly kind: Step['kind'];
  /** Packets that left the sender by this step, where the step decides on the number. */
  readonly packetsSent?: number;
  /** Of those, answered. */
  readonly answered?: number;
  /** Of the steps that ran together. */
  readonly steps?: readonly StepResult[];
}
