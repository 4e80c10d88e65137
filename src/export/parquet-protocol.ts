/** What the thread that encodes Parquet and the one that feeds it say to each other. */

export interface OpenPart {
  readonly kind: 'open';
  readonly part: number;
  /** The open file's descriptor: threads of one process share it. */
  readonly fd: number;
  /** Columns of monotone numbers, smallest as deltas. */
  readonly delta: readonly string[];
}

export interface PartBatch {
  readonly kind: 'batch';
  readonly part: number;
  /** One IPC stream with one batch; its memory goes over. */
  readonly ipc: Uint8Array<ArrayBuffer>;
}

export interface ClosePart {
  readonly kind: 'close';
  readonly part: number;
  readonly metadata: Readonly<Record<string, string>>;
}

export type Request = OpenPart | PartBatch | ClosePart;

export type Reply =
  | { readonly kind: 'taken'; readonly part: number }
  | { readonly kind: 'written'; readonly part: number; readonly bytes: number }
  | { readonly kind: 'closed'; readonly part: number; readonly bytes: number }
  | {
      readonly kind: 'failed';
      readonly part: number;
      readonly message: string;
      readonly errno: string | undefined;
    };
